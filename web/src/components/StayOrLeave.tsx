import { Button, Group, Modal, Text } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { useTexts } from "../texts";
import { giveUpDrafts, hasDrafts } from "./drafts";

/** Asks before a page is left on which something was typed that is not saved. Other tabs of the same page keep it. */
export function StayOrLeave() {
  const t = useTexts();
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => hasDrafts() && current.pathname !== next.pathname,
    enableBeforeUnload: hasDrafts,
    withResolver: true,
  });
  const leave = () => {
    giveUpDrafts();
    proceed?.();
  };
  return (
    <Modal opened={status === "blocked"} onClose={() => reset?.()} title={t("unsaved")} closeButtonProps={{ "aria-label": t("close") }}>
      <Text size="sm" mb="lg">{t("unsaved_about")}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={leave}>{t("leave")}</Button>
        <Button onClick={() => reset?.()} data-autofocus>{t("stay")}</Button>
      </Group>
    </Modal>
  );
}
