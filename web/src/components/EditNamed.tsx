import { Button, Group, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTexts } from "../texts";
import { Trouble } from "./Trouble";
import { tellUndoable } from "./undo";

interface EditNamedProps<T> {
  /** What is edited, by its name. */
  name: string;
  queryKey: QueryKey;
  /** As it is. */
  initial: T;
  /** What is typed now. */
  value: T;
  onOpen: () => void;
  save: (value: T) => Promise<unknown>;
  children: (error: unknown) => ReactNode;
}

/** A button in a row, and a short form behind it. What was saved can be taken back. */
export function EditNamed<T>({ name, queryKey, initial, value, onOpen, save, children }: EditNamedProps<T>) {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const put = async (next: T) => {
    await save(next);
    await client.invalidateQueries({ queryKey });
  };
  const change = useMutation({
    mutationFn: put,
    onSuccess: () => {
      close();
      tellUndoable(t("saved"), () => put(initial));
    },
  });
  return (
    <>
      <Button
        size="compact-sm" variant="default" aria-label={t("edit_of", { name })}
        onClick={() => {
          change.reset();
          onOpen();
          open();
        }}
      >
        {t("edit")}
      </Button>
      <Modal opened={opened} onClose={close} title={t("edit_of", { name })} closeButtonProps={{ "aria-label": t("close") }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(value);
          }}
        >
          <Stack>
            {change.isError && <Trouble error={change.error} />}
            {children(change.error)}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>{t("cancel")}</Button>
              <Button type="submit" loading={change.isPending}>{t("save")}</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
