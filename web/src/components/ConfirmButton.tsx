import { Button, Group, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useTexts } from "../texts";

interface ConfirmButtonProps {
  label: string;
  /** What is lost, and whether it can come back. */
  question: string;
  onConfirm: () => void;
  size?: string;
}

/** For what can't be undone. */
export function ConfirmButton({ label, question, onConfirm, size }: ConfirmButtonProps) {
  const t = useTexts();
  const [opened, { open, close }] = useDisclosure();
  const confirm = () => {
    close();
    onConfirm();
  };
  return (
    <>
      <Button variant="default" size={size} onClick={open}>{label}</Button>
      <Modal opened={opened} onClose={close} title={label} closeButtonProps={{ "aria-label": t("close") }}>
        <Text size="sm" mb="lg">{question}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>{t("cancel")}</Button>
          <Button color="red.9" onClick={confirm}>{label}</Button>
        </Group>
      </Modal>
    </>
  );
}
