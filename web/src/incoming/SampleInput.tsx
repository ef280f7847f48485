import { Button, JsonInput, Stack } from "@mantine/core";
import { useState } from "react";
import { useScratch } from "../components/drafts";
import { useTexts } from "../texts";

/** A sample pasted in place of what came. */
export function SampleInput({ webhookId, onPasted }: { webhookId: string; onPasted: (payload: object) => void }) {
  const t = useTexts();
  const { value: text, set: setText } = useScratch(`incoming/${webhookId}/sample`, "");
  const [open, setOpen] = useState(text !== "");
  const payload = parsed(text);
  if (!open) return <Button variant="subtle" onClick={() => setOpen(true)}>{t("paste_sample")}</Button>;
  return (
    <Stack gap="xs">
      <JsonInput
        label={t("paste_sample")} autosize minRows={6} maxRows={16} classNames={{ input: "mono" }} data-autofocus value={text} onChange={setText}
        error={text && payload === undefined ? t("not_json") : undefined}
      />
      <Button variant="default" disabled={payload === undefined} onClick={() => payload && onPasted(payload)}>{t("use_sample")}</Button>
    </Stack>
  );
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
