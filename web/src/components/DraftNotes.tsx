import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey, IconUsers } from "@tabler/icons-react";
import { useTexts } from "../texts";
import type { Draft } from "./drafts";
import { Json } from "./small";

/** What one has to know of a draft before it is saved. Stands in every form that has one. */
export function DraftNotes<T>({ draft }: { draft: Draft<T> }) {
  const t = useTexts();
  return (
    <>
      {draft.leftOut && <Alert color="yellow" icon={<IconKey />} title={t("secrets_left_out")} role="alert">{t("secrets_left_out_about")}</Alert>}
      <ChangedElsewhere draft={draft} />
    </>
  );
}

/** Said where someone else saved what is being edited here. Saving over it is then a decision, not an accident. */
function ChangedElsewhere<T>({ draft }: { draft: Draft<T> }) {
  const t = useTexts();
  const [shown, { toggle }] = useDisclosure();
  if (draft.theirs === undefined) return null;
  return (
    <Alert color="yellow" icon={<IconUsers />} title={t("changed_elsewhere")} role="alert">
      <Stack gap="xs">
        <Text size="sm">{t("changed_elsewhere_about")}</Text>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={toggle} aria-expanded={shown}>{t("see_theirs")}</Button>
          <Button size="xs" variant="default" onClick={draft.reset}>{t("take_theirs")}</Button>
          <Button size="xs" variant="default" onClick={draft.keepMine}>{t("keep_mine")}</Button>
        </Group>
        {shown && <Json value={draft.theirs} label={t("see_theirs")} height={240} />}
      </Stack>
    </Alert>
  );
}
