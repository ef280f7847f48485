import { Button, Group, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";
import { STATUSES } from "./statuses";

export type SubscriberInput = Schemas["SubscriberInput"];

const TEXTS = ["first_name", "last_name", "phone", "company"] as const;

interface SubscriberFormProps {
  initial: SubscriberInput;
  submit: string;
  pending: boolean;
  error: unknown;
  onSubmit: (input: SubscriberInput) => void;
}

/** What the form may change of a subscriber. */
export function inputOf(subscriber: Schemas["Subscriber"] | undefined): SubscriberInput {
  if (!subscriber) return { email: "", status: "subscribed" };
  const { email, first_name, last_name, phone, company, status, tags } = subscriber;
  return { email, first_name, last_name, phone, company, status, tags };
}

export function SubscriberForm({ initial, submit, pending, error, onSubmit }: SubscriberFormProps) {
  const t = useTexts();
  const word = useWord();
  const [form, setForm] = useState(initial);
  const set = (change: Partial<SubscriberInput>) => setForm({ ...form, ...change });
  const fields = error instanceof ApiProblem ? error.fields : {};
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(form);
      }}
    >
      <Stack>
        {Boolean(error) && <Trouble error={error} />}
        <TextInput label={t("email")} type="email" required value={form.email} onChange={(event) => set({ email: event.currentTarget.value })} error={fields.email} />
        {TEXTS.map((name) => (
          <TextInput key={name} label={word("field", name)} value={form[name] ?? ""} onChange={(event) => set({ [name]: event.currentTarget.value || null })} error={fields[name]} />
        ))}
        <Select
          label={t("status")} allowDeselect={false} value={form.status ?? null} data={STATUSES.map((name) => ({ value: name, label: word("status", name) }))}
          onChange={(name) => set({ status: STATUSES.find((status) => status === name) })}
        />
        <TagsInput label={t("tags")} placeholder={t("tags_hint")} value={form.tags ?? []} onChange={(tags) => set({ tags })} />
        <Group><Button type="submit" loading={pending}>{submit}</Button></Group>
      </Stack>
    </form>
  );
}
