/** What was done, with a button that takes it back: instead of "are you sure" where it can be undone. */
import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useTexts } from "../texts";
import { tellTrouble } from "./tell";

/** How long one can change one's mind, in milliseconds: to read the message and reach the button, also by keyboard. */
const PATIENCE = 12_000;

export function tellUndoable(message: string, undo: () => Promise<unknown>) {
  const id = notifications.show({ color: "teal", autoClose: PATIENCE, message: null });
  const take = () => {
    notifications.hide(id);
    undo().catch(tellTrouble);
  };
  notifications.update({ id, color: "teal", autoClose: PATIENCE, message: <Undoable message={message} undo={take} /> });
}

function Undoable({ message, undo }: { message: string; undo: () => void }) {
  const t = useTexts();
  return (
    <Group justify="space-between" gap="sm">
      <Text size="sm" flex={1} miw={120}>{message}</Text>
      <Button size="compact-sm" variant="default" onClick={undo}>{t("undo")}</Button>
    </Group>
  );
}
