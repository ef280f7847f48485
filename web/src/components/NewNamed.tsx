import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { ApiProblem } from "../api/problem";
import { useTexts } from "../texts";
import { DraftNotes } from "./DraftNotes";
import { useDraft } from "./drafts";
import { Trouble } from "./Trouble";

interface NewNamedProps<V extends { name: string }, T> {
  title: string;
  /** How the button looks. */
  variant?: "default" | "filled";
  /** What the name is called. */
  label: string;
  type?: "text" | "email";
  /** The field of the API that it goes to. */
  field: string;
  /** What is typed is kept by this until it is saved. */
  draftKey: string;
  /** What it begins with. */
  initial: V;
  queryKey: QueryKey;
  create: (value: V) => Promise<T>;
  onCreated?: (created: T) => void;
  /** What else is asked for. */
  children?: (value: V, change: (members: Partial<V>) => void, error: unknown) => ReactNode;
}

/** A button, and a short form behind it, for what has little more than a name. */
export function NewNamed<V extends { name: string }, T>({ title, variant, label, type, field, draftKey, initial, queryKey, create, onCreated, children }: NewNamedProps<V, T>) {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const draft = useDraft(draftKey, initial);
  const { value } = draft;
  const change = draft.change as (members: Partial<{ name: string }>) => void;
  const creation = useMutation({
    mutationFn: () => create({ ...value, name: value.name.trim() }),
    onSuccess: (created) => {
      draft.reset();
      close();
      void client.invalidateQueries({ queryKey });
      onCreated?.(created);
    },
  });
  const fields = creation.error instanceof ApiProblem ? creation.error.fields : {};
  return (
    <>
      <Button variant={variant} leftSection={<IconPlus size={16} />} onClick={open}>{title}</Button>
      <Modal opened={opened} onClose={close} title={title} closeButtonProps={{ "aria-label": t("close") }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            creation.mutate();
          }}
        >
          <Stack>
            <DraftNotes draft={draft} />
            {creation.isError && <Trouble error={creation.error} />}
            <TextInput label={label} type={type} required data-autofocus value={value.name} onChange={(event) => change({ name: event.currentTarget.value })} error={fields[field]} />
            {children?.(value, draft.change, creation.error)}
            <Button type="submit" loading={creation.isPending}>{t("create")}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
