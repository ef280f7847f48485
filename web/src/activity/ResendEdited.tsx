import { Button, Group, JsonInput, Modal, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useScratch } from "../components/drafts";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";

interface ResendEditedProps<T> {
  opened: boolean;
  onClose: () => void;
  /** What is sent again, as in `requests/0123abcd`. */
  of: string;
  payload: unknown;
  /** What becomes of it. */
  about: string;
  send: (payload: unknown) => Promise<T>;
  onSent: (sent: T) => void;
}

/** Sends what was sent once more, changed by hand. What was typed stays when it is closed. */
export function ResendEdited<T>({ opened, onClose, of, payload, about, send, onSent }: ResendEditedProps<T>) {
  const t = useTexts();
  const { value: text, set: setText, reset } = useScratch(`${of}/resend`, typeof payload === "string" ? payload : JSON.stringify(payload, null, 2));
  const isText = typeof payload === "string";
  const value = isText ? text : parsed(text);
  const sending = useMutation({
    mutationFn: () => send(value),
    onSuccess: (sent) => {
      reset();
      onSent(sent);
    },
  });
  return (
    <Modal opened={opened} onClose={onClose} size="lg" title={t("resend_edited")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text size="sm" c="dimmed">{about}</Text>
        {sending.isError && <Trouble error={sending.error} />}
        <JsonInput
          label={t("payload")} autosize minRows={10} maxRows={22} classNames={{ input: "mono" }} data-autofocus
          value={text} onChange={setText} error={value === undefined && t("not_json")}
        />
        <Group justify="flex-end">
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
