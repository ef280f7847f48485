import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { IconPlus } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { ApiProblem } from "../api/problem";
import { useTexts } from "../texts";
import { Trouble } from "./Trouble";

interface NewNamedProps<T> {
  title: string;
  /** How the button looks. */
  variant?: "default" | "filled";
  /** What the first thing asked for is called. */
  label: string;
  type?: "text" | "email";
  /** The field of the API that it goes to. */
  field: string;
  queryKey: QueryKey;
  create: (name: string) => Promise<T>;
  onCreated?: (created: T) => void;
  /** What else is asked for. */
  children?: ReactNode;
}

/** A button, and a short form behind it, for what has little more than a name. */
export function NewNamed<T>({ title, variant, label, type, field, queryKey, create, onCreated, children }: NewNamedProps<T>) {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const [name, setName] = useState("");
  const creation = useMutation({
    mutationFn: () => create(name.trim()),
    onSuccess: (created) => {
      setName("");
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
            {creation.isError && <Trouble error={creation.error} />}
            <TextInput label={label} type={type} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} error={fields[field]} />
            {children}
            <Button type="submit" loading={creation.isPending}>{t("create")}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
