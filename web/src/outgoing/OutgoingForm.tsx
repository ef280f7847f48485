import { Button, Group, Stack, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { ApiProblem } from "../api/problem";
import { useEventTypes } from "../components/EventTypeInput";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { AuthFields } from "./AuthFields";
import { linesOf, membersOf, type OutgoingInput } from "./form";

interface OutgoingFormProps {
  initial: OutgoingInput;
  submit: string;
  pending: boolean;
  error: unknown;
  onSubmit: (input: OutgoingInput) => void;
}

/** Where to, when, and how one proves who one is. */
export function OutgoingForm({ initial, submit, pending, error, onSubmit }: OutgoingFormProps) {
  const t = useTexts();
  const types = useEventTypes();
  const [form, setForm] = useState(initial);
  const [headers, setHeaders] = useState(linesOf(initial.headers ?? {}));
  const set = (change: Partial<OutgoingInput>) => setForm({ ...form, ...change });
  const fields = error instanceof ApiProblem ? error.fields : {};
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit({ ...form, headers: membersOf(headers) });
      }}
    >
      <Stack>
        {Boolean(error) && <Trouble error={error} />}
        <TextInput label={t("name")} required maxLength={200} value={form.name} onChange={(event) => set({ name: event.currentTarget.value })} error={fields.name} />
        <TextInput
          label={t("endpoint_url")} description={t("endpoint_url_about")} type="url" required placeholder="https://"
          value={form.url} onChange={(event) => set({ url: event.currentTarget.value })} error={fields.url}
        />
        <TagsInput
          label={t("events")} description={t("outgoing_events_about")} placeholder={t("events_hint")} required clearable
          clearButtonProps={{ "aria-label": t("clear") }}
          data={["*", ...(types.data?.map(({ name }) => name) ?? [])]}
          value={form.events} onChange={(events) => set({ events })} error={fields.events}
        />
        <TextInput
          label={t("only_if")} description={t("outgoing_filter_about")} placeholder="data.status == 'subscribed'"
          value={form.filter ?? ""} onChange={(event) => set({ filter: event.currentTarget.value || null })} error={fields.filter}
        />
        <AuthFields auth={form.auth ?? { method: "none" }} onChange={(auth) => set({ auth })} />
        <Textarea
          label={t("extra_headers")} description={t("extra_headers_about")} placeholder="X-Environment: production" autosize minRows={2} ff="monospace"
          value={headers} onChange={(event) => setHeaders(event.currentTarget.value)} error={fields.headers}
        />
        <Group><Button type="submit" loading={pending}>{submit}</Button></Group>
      </Stack>
    </form>
  );
}
