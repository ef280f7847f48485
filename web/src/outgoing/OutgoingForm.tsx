import { Accordion, Alert, Button, Group, Loader, SegmentedControl, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { lazy, Suspense } from "react";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft, useScratch } from "../components/drafts";
import { useEventTypes } from "../components/EventTypeInput";
import { LinesText } from "../components/LinesText";
import { Editable, MayWrite } from "../components/MayWrite";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";
import { AdvancedFields } from "./AdvancedFields";
import { AuthFields } from "./AuthFields";
import type { OutgoingInput } from "./form";
import { parsedPayload } from "./payload";
import { TEMPLATES, toFillIn, type Template } from "./templates";
import { useVariables } from "./variables";

// The editor is larger than all the rest of the page.
const PayloadEditor = lazy(() => import("./PayloadEditor"));

interface OutgoingFormProps {
  /** What is typed is kept by this until it is saved. */
  draftKey: string;
  initial: OutgoingInput;
  /** Whether it is made now: then a template may be chosen, and the payload is asked for here. */
  isNew?: boolean;
  submit: string;
  pending: boolean;
  error: unknown;
  /** `done` is called once it is saved. */
  onSubmit: (input: OutgoingInput, done: () => void) => void;
}

/** Where to, when, what, and how one proves who one is. */
export function OutgoingForm({ draftKey, initial, isNew = false, submit, pending, error, onSubmit }: OutgoingFormProps) {
  const t = useTexts();
  const word = useWord();
  const types = useEventTypes();
  const draft = useDraft(draftKey, initial);
  const payloadDraft = useDraft(`${draftKey}/payload`, "");
  const { value: form, change: set } = draft;
  const { value: text, set: setText } = payloadDraft;
  const begun = useScratch<string | null>(`${draftKey}/template`, null);
  const template = TEMPLATES.find(({ name }) => name === begun.value);
  const fields = error instanceof ApiProblem ? error.fields : {};
  const missing = toFillIn(form.url);
  const payload = parsedPayload(text);
  const done = () => {
    draft.reset();
    payloadDraft.reset();
    begun.reset();
  };
  const begin = (chosen: Template) => {
    const { name, url, events, auth, method } = chosen;
    begun.set(name);
    set({ url, events, auth, method, headers: chosen.headers ?? {}, name: form.name || name });
    setText(JSON.stringify(chosen.payload, null, 2));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (missing === undefined && payload.fault === undefined) onSubmit(isNew ? { ...form, payload: payload.value as never } : form, done);
      }}
    >
      <Stack>
        {Boolean(error) && <Trouble error={error} />}
        {isNew && (
          <Select
            label={t("begin_with")} description={t("begin_with_about")} placeholder={t("choose")} searchable clearable clearButtonProps={{ "aria-label": t("clear") }}
            data={TEMPLATES.map(({ name }) => name)} value={template?.name ?? null}
            onChange={(name) => {
              const chosen = TEMPLATES.find((template) => template.name === name);
              if (chosen) begin(chosen);
              else begun.reset();
            }}
          />
        )}
        <Editable><Stack>
          {template && <Alert color="blue" title={template.name}>{t(template.hint)}</Alert>}
          <TextInput label={t("name")} required maxLength={500} value={form.name} onChange={(event) => set({ name: event.currentTarget.value })} error={fields.name} />
          <TextInput
            label={t("endpoint_url")} description={t("endpoint_url_about")} type="url" required placeholder="https://"
            value={form.url} onChange={(event) => set({ url: event.currentTarget.value })} error={missing ? t("fill_in", { what: missing }) : fields.url}
          />
          <TagsInput
            label={t("events")} description={t("outgoing_events_about")} placeholder={t("events_hint")} required clearable
            clearButtonProps={{ "aria-label": t("clear") }}
            data={["*", ...(types.data?.map(({ name }) => name) ?? [])]}
            value={form.events} onChange={(events) => set({ events })} error={fields.events}
          />
          <div>
            <Text size="sm" fw={500} id="status-of-webhook" mb={4}>{t("status")}</Text>
            <SegmentedControl
              aria-labelledby="status-of-webhook" value={form.status ?? "active"} onChange={(status) => set({ status: status as OutgoingInput["status"] })}
              data={(["active", "paused", "inactive"] as const).map((value) => ({ value, label: word("status", value) }))}
            />
          </div>
          <AuthFields auth={form.auth ?? { method: "none" }} saved={initial.auth} onChange={(auth) => set({ auth })} />
          <LinesText
            label={t("extra_headers")} description={t("extra_headers_about")} placeholder="X-Environment: production"
            value={form.headers ?? {}} onChange={(headers) => set({ headers })} error={fields.headers}
          />
          {isNew && <NewPayload text={text} fault={payload.fault} onChange={setText} />}
        </Stack></Editable>
        <Accordion variant="contained" chevronPosition="left">
          <Accordion.Item value="advanced">
            <Accordion.Control>{t("outgoing_advanced")}</Accordion.Control>
            <Accordion.Panel><Editable><AdvancedFields form={form} onChange={set} fields={fields} /></Editable></Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        <DraftNotes draft={draft} />
        <MayWrite says><Group>
          <Button type="submit" loading={pending}>{submit}</Button>
          {(draft.dirty || payloadDraft.dirty) && <Button variant="default" onClick={done}>{t("undo_changes")}</Button>}
        </Group></MayWrite>
      </Stack>
    </form>
  );
}

/** What is sent, for the start: once it is made, it is seen with real events. */
function NewPayload({ text, fault, onChange }: { text: string; fault: string | undefined; onChange: (text: string) => void }) {
  const t = useTexts();
  const variables = useVariables(undefined);
  return (
    <div>
      <Text size="sm" fw={500}>{t("tab_payload")}</Text>
      <Text size="xs" c="dimmed" mb={4}>{t("new_payload_about")}</Text>
      <Suspense fallback={<Loader size="sm" />}>
        <PayloadEditor label={t("tab_payload")} text={text} variables={variables} onChange={onChange} small />
      </Suspense>
      {fault && <Text size="sm" c="var(--mantine-color-error)" role="alert" mt={4}>{t("not_json")}: {fault}</Text>}
    </div>
  );
}
