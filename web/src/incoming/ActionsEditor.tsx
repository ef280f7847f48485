import { ActionIcon, Button, Group, Menu, Paper, Stack, Text, Title } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconGripVertical, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { Editable, MayWrite, useIsShut } from "../components/MayWrite";
import { saveThen } from "../components/saving";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";
import { ActionForm } from "./ActionForm";
import { DryRun } from "./DryRun";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";
import { moved } from "./order";

export type Action = Schemas["Action"];

/** What a new action begins with. A list is chosen first: 0 is none. */
const NEW: Action[] = [
  { type: "add_subscriber", update_existing: true },
  { type: "update_subscriber", create_if_missing: false },
  { type: "add_to_list", list_id: 0 },
  { type: "remove_from_list", list_id: 0 },
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
  const move = (from: number, to: number) => to >= 0 && to < actions.length && setActions(moved(actions, from, to));
  return (
    <Stack maw={820}>
      <Text c="dimmed">{t("actions_about")}</Text>
      <Editable>
        <Stack>
          {actions.map((action, index) => (
            <ActionCard
              key={index} action={action} index={index} last={actions.length - 1} title={`${index + 1}. ${word("action", action.type)}`} move={move}
              change={(changed) => setActions(actions.map((other, at) => (at === index ? changed : other)))}
              remove={() => setActions(actions.filter((_, at) => at !== index))}
            />
          ))}
        </Stack>
      </Editable>
      {actions.length === 0 && <Text>{t("actions_none")}</Text>}
      <DraftNotes draft={draft} />
      {change.isError && <Trouble error={change.error} />}
      <MayWrite says><Group>
        <Menu>
          <Menu.Target><Button variant="default" leftSection={<IconPlus size={16} />}>{t("add_action")}</Button></Menu.Target>
          <Menu.Dropdown>
            {NEW.map((action) => (
              <Menu.Item key={action.type} onClick={() => setActions([...actions, action])}>{word("action", action.type)}</Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <Button disabled={!dirty} loading={change.isPending} onClick={() => saveThen(change, { actions }, draft.reset)}>{t("save")}</Button>
        {dirty && <Button variant="default" onClick={draft.reset}>{t("undo_changes")}</Button>}
      </Group></MayWrite>
      <MayWrite><DryRun webhook={webhook} actions={actions} /></MayWrite>
    </Stack>
  );
}

interface ActionCardProps {
  action: Action;
  index: number;
  last: number;
  title: string;
  move: (from: number, to: number) => void;
  change: (action: Action) => void;
  remove: () => void;
}

const DRAGGED = "application/x-ccsp-action";

function ActionCard({ action, index, last, title, move, change, remove }: ActionCardProps) {
  const t = useTexts();
  const [over, setOver] = useState(false);
  const shut = useIsShut();
  const moveBy = (step: number) => {
    move(index, index + step);
    // The handle is another one then; who moves with the keyboard goes on with it.
    requestAnimationFrame(() => document.getElementById(handleOf(index + step))?.focus());
  };
  return (
    <Paper
      withBorder p="md" component="section" aria-label={title} className="card" data-over={over || undefined}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(DRAGGED)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const from = event.dataTransfer.getData(DRAGGED);
        if (from !== "") move(Number(from), index);
      }}
    >
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap" flex={1} className="handle" draggable={!shut} onDragStart={(event) => event.dataTransfer.setData(DRAGGED, String(index))}>
            <ActionIcon
              id={handleOf(index)} variant="subtle" color="gray" className="handle" aria-label={t("drag_to_move", { n: index + 1 })}
              onKeyDown={({ key }) => {
                if (key === "ArrowUp") moveBy(-1);
                if (key === "ArrowDown") moveBy(1);
              }}
            >
              <IconGripVertical size={16} />
            </ActionIcon>
            <Title order={2} size="h5">{title}</Title>
          </Group>
          <Group gap={4} wrap="nowrap">
            <ActionIcon variant="default" disabled={index === 0} onClick={() => move(index, index - 1)} aria-label={t("move_up")}><IconArrowUp size={16} /></ActionIcon>
            <ActionIcon variant="default" disabled={index === last} onClick={() => move(index, index + 1)} aria-label={t("move_down")}><IconArrowDown size={16} /></ActionIcon>
            <ActionIcon variant="default" onClick={remove} aria-label={t("remove")}><IconTrash size={16} /></ActionIcon>
          </Group>
        </Group>
        <ActionForm action={action} onChange={change} />
      </Stack>
    </Paper>
  );
}

function handleOf(index: number): string {
  return `action-${index}`;
}
