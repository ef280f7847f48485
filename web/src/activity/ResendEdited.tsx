import { Button, Group, JsonInput, Modal, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useDraft } from "../components/drafts";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";

interface ResendEditedProps<T> {
  opened: boolean;
  onClose: () => void;
  /** The entry: `deliveries/dlv_…`. */
  entry: string;
  /** What is edited, and what it was. */
  label: string;
  payload: unknown;
  /** What becomes of it. */
  about: string;
  send: (payload: unknown) => Promise<T>;
  onSent: (sent: T) => void;
}

/** Sends what was sent once more, changed by hand. What was typed stays when it is closed, until it is sent or given up. */
export function ResendEdited<T>({ opened, onClose, entry, label, payload, about, send, onSent }: ResendEditedProps<T>) {
  const t = useTexts();
  const isText = typeof payload === "string";
  const draft = useDraft(`${entry}/resend`, isText ? payload : JSON.stringify(payload, null, 2));
  const value = isText ? draft.value : parsed(draft.value);
  const sending = useMutation({
    mutationFn: () => send(value),
    onSuccess: (sent) => {
      draft.reset();
      onSent(sent);
    },
  });
  const giveUp = () => {
    draft.reset();
    sending.reset();
  };
  return (
    <Modal opened={opened} onClose={onClose} size="lg" title={t("resend_edited")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text size="sm" c="dimmed">{about}</Text>
        {sending.isError && <Trouble error={sending.error} />}
        <JsonInput
          label={label} autosize minRows={10} maxRows={22} classNames={{ input: "mono" }} data-autofocus
          value={draft.value} onChange={draft.set} error={value === undefined && t("not_json")}
        />
        <Group justify="flex-end">
          {draft.dirty && <Button variant="subtle" onClick={giveUp}>{t("undo_changes")}</Button>}
          <Button variant="default" onClick={onClose}>{t("cancel")}</Button>
          <Button disabled={value === undefined} loading={sending.isPending} onClick={() => sending.mutate()}>{t("send")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
