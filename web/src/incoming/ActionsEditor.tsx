import { ActionIcon, Button, Group, Menu, Paper, Stack, Text, Title } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconPlus, IconTrash } from "@tabler/icons-react";
import type { Schemas } from "../api/client";
import { ChangedElsewhere } from "../components/ChangedElsewhere";
import { useDraft } from "../components/drafts";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";
import { ActionForm } from "./ActionForm";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";

export type Action = Schemas["Action"];

/** What a new action begins with. */
const NEW: Action[] = [
  { type: "add_subscriber", update_existing: true },
  { type: "update_subscriber", create_if_missing: false },
  { type: "add_to_list", list_id: 1 },
  { type: "remove_from_list", list_id: 1 },
  { type: "apply_tag", tags: [] },
  { type: "remove_tag", tags: [] },
  { type: "change_status", status: "subscribed" },
  { type: "publish_event", event_type: "subscriber_updated" },
  { type: "call_api", url: "" },
  { type: "custom_code", code: "" },
];

/** What is done with a request, in order. */
export function ActionsEditor({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const word = useWord();
  const draft = useDraft<Action[]>(`incoming/${webhook.id}/actions`, webhook.actions);
  const { value: actions, set: setActions, dirty } = draft;
  const change = useChangeIncoming(webhook.id);
  const replace = (at: number, action: Action) => setActions(actions.map((other, index) => (index === at ? action : other)));
  const remove = (at: number) => setActions(actions.filter((_, index) => index !== at));
  return (
    <Stack maw={820}>
      <Text c="dimmed">{t("actions_about")}</Text>
      {actions.map((action, index) => (
        <Paper key={index} withBorder p="md" component="section" aria-label={`${index + 1}. ${word("action", action.type)}`}>
          <Stack gap="sm">
            <Group justify="space-between">
              <Title order={2} size="h5">{index + 1}. {word("action", action.type)}</Title>
              <Group gap={4}>
                <ActionIcon variant="default" disabled={index === 0} onClick={() => setActions(swapped(actions, index - 1))} aria-label={t("move_up")}><IconArrowUp size={16} /></ActionIcon>
                <ActionIcon variant="default" disabled={index === actions.length - 1} onClick={() => setActions(swapped(actions, index))} aria-label={t("move_down")}><IconArrowDown size={16} /></ActionIcon>
                <ActionIcon variant="default" onClick={() => remove(index)} aria-label={t("remove")}><IconTrash size={16} /></ActionIcon>
              </Group>
            </Group>
            <ActionForm action={action} onChange={(changed) => replace(index, changed)} />
          </Stack>
        </Paper>
      ))}
      {actions.length === 0 && <Text>{t("actions_none")}</Text>}
      <ChangedElsewhere draft={draft} />
      {change.isError && <Trouble error={change.error} />}
      <Group>
        <Menu>
          <Menu.Target><Button variant="default" leftSection={<IconPlus size={16} />}>{t("add_action")}</Button></Menu.Target>
          <Menu.Dropdown>
            {NEW.map((action) => (
              <Menu.Item key={action.type} onClick={() => setActions([...actions, action])}>{word("action", action.type)}</Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <Button disabled={!dirty} loading={change.isPending} onClick={() => change.mutate({ actions }, { onSuccess: draft.reset })}>{t("save")}</Button>
        {dirty && <Button variant="default" onClick={draft.reset}>{t("undo_changes")}</Button>}
      </Group>
    </Stack>
  );
}

/** With the one at `at` and the one behind it in the other order. */
function swapped(actions: Action[], at: number): Action[] {
  return [...actions.slice(0, at), ...actions.slice(at, at + 2).reverse(), ...actions.slice(at + 2)];
}
