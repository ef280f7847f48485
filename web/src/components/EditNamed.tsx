import { Button, Group, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTexts } from "../texts";
import { DraftNotes } from "./DraftNotes";
import { useDraft } from "./drafts";
import { Trouble } from "./Trouble";
import { tellUndoable } from "./undo";

interface EditNamedProps<T> {
  /** What is edited, by its name. */
  name: string;
  /** What is typed is kept by this until it is saved. */
  draftKey: string;
  queryKey: QueryKey;
  /** As it is. */
  initial: T;
  save: (value: T) => Promise<unknown>;
  children: (value: T, change: (members: Partial<T>) => void, error: unknown) => ReactNode;
}

/** A button in a row, and a short form behind it. What was saved can be taken back. */
export function EditNamed<T>({ name, draftKey, queryKey, initial, save, children }: EditNamedProps<T>) {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const draft = useDraft(draftKey, initial);
  const put = async (next: T) => {
    await save(next);
    await client.invalidateQueries({ queryKey });
  };
  const change = useMutation({
    mutationFn: put,
    onSuccess: () => {
      draft.reset();
      close();
      tellUndoable(t("saved"), () => put(initial));
    },
  });
  const cancel = () => {
    draft.reset();
    close();
  };
  return (
    <>
      <Button
        size="compact-sm" variant="default" aria-label={t("edit_of", { name })}
        onClick={() => {
          change.reset();
          open();
        }}
      >
        {t("edit")}
      </Button>
      <Modal opened={opened} onClose={close} title={t("edit_of", { name })} closeButtonProps={{ "aria-label": t("close") }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(draft.value);
          }}
        >
          <Stack>
            <DraftNotes draft={draft} />
            {change.isError && <Trouble error={change.error} />}
            {children(draft.value, draft.change, change.error)}
            <Group justify="flex-end">
              <Button variant="default" onClick={cancel}>{t("cancel")}</Button>
              <Button type="submit" loading={change.isPending}>{t("save")}</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
