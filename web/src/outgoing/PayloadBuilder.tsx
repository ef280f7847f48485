import { Alert, Button, Group, List, Paper, Select, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { Editable, MayWrite } from "../components/MayWrite";
import { saveThen } from "../components/saving";
import { Json } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { useChangeOutgoing } from "./change";
import type { OutgoingWebhook } from "./form";
import PayloadEditor, { type Fault } from "./PayloadEditor";
import { parsedPayload } from "./payload";
import { SamplePicker, useKinds, useSampleData, type Sample } from "./SamplePicker";
import { TEMPLATES } from "./templates";
import { useVariables } from "./variables";

/** How long after the last key the server is asked, in milliseconds. */
const CALM = 400;

/** What is sent: typed or taken from a template, and what becomes of a sample of it. */
export default function PayloadBuilder({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const change = useChangeOutgoing(webhook.id);
  const saved = webhook.payload === null || webhook.payload === undefined ? "" : JSON.stringify(webhook.payload, null, 2);
  const draft = useDraft(`outgoing/${webhook.id}/payload`, saved);
  const { value: text, set: setText } = draft;
  const [chosen, choose] = useState<Sample>();
  const { first } = useKinds(webhook.events);
  const sample = chosen ?? { eventType: first, eventId: undefined };
  const data = useSampleData(sample);
  const variables = useVariables(data);
  const payload = parsedPayload(text);
  const preview = usePreview(webhook, sample, data, payload.fault === undefined ? payload.value : undefined);
  const isJson = payload.fault === undefined;
  const { error: previewError } = preview;
  const { error: changeError } = change;
  const faults = useMemo(() => (isJson ? [...faultsOf(previewError), ...faultsOf(changeError)] : []), [isJson, previewError, changeError]);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Paper withBorder p="lg">
        <Stack>
          <Title order={2} size="h4">{t("tab_payload")}</Title>
          <Text size="sm" c="dimmed">{t("payload_about")}</Text>
          <MayWrite><Select
            label={t("begin_with")} placeholder={t("choose")} value={null} searchable data={TEMPLATES.map(({ name }) => name)}
            onChange={(name) => {
              const template = TEMPLATES.find((template) => template.name === name);
              if (template) setText(JSON.stringify(template.payload, null, 2));
            }}
          /></MayWrite>
          <Editable><PayloadEditor label={t("tab_payload")} text={text} variables={variables} faults={faults} onChange={setText} /></Editable>
          <DraftNotes draft={draft} />
          {payload.fault && <Alert color="red" title={t("not_json")}>{payload.fault}</Alert>}
          <Faults faults={faults} />
          {change.isError && faultsOf(change.error).length === 0 && <Trouble error={change.error} />}
          <MayWrite says><Group>
            <Button disabled={payload.fault !== undefined || text === saved} loading={change.isPending} onClick={() => saveThen(change, { payload: payload.value as never }, draft.reset)}>{t("save")}</Button>
            {text !== "" && <Button variant="default" onClick={() => setText("")}>{t("plain_event")}</Button>}
          </Group></MayWrite>
        </Stack>
      </Paper>
      <MayWrite><Paper withBorder p="lg">
        <Stack>
          <Title order={2} size="h4">{t("what_is_sent")}</Title>
          <SamplePicker patterns={webhook.events} sample={sample} onChange={choose} />
          <div aria-live="polite" aria-busy={preview.isFetching}>
            {preview.isError && faultsOf(preview.error).length === 0 && <Trouble error={preview.error} />}
            {preview.data?.reason && <Alert color="yellow">{preview.data.reason}</Alert>}
            {preview.data?.request && (
              <Stack gap="xs">
                <Text size="sm" ff="monospace" className="wrapping">{preview.data.request.method} {preview.data.request.url}</Text>
                <Json value={preview.data.request.body} label={t("what_is_sent")} />
                <Text size="sm" fw={550}>{t("headers")}</Text>
                <Json value={preview.data.request.headers} label={t("headers")} height={180} />
              </Stack>
            )}
          </div>
        </Stack>
      </Paper></MayWrite>
    </SimpleGrid>
  );
}

/** What a sample becomes by what was typed, once one stops typing. */
function usePreview(webhook: OutgoingWebhook, sample: Sample, data: Record<string, unknown> | undefined, payload: unknown) {
  const [calm] = useDebouncedValue(payload, CALM);
  const may = useMay();
  return useQuery({
    queryKey: ["outgoing", webhook.id, "preview", sample, data, calm],
    queryFn: () =>
      answer(api.POST("/outgoing-webhooks/{id}/preview", {
        params: { path: { id: webhook.id } },
        body: { ...(sample.eventId === undefined ? { event_type: sample.eventType, data } : { event_id: sample.eventId }), payload: calm },
      })),
    enabled: may("write") && data !== undefined && calm !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

function faultsOf(error: unknown): Fault[] {
  if (!(error instanceof ApiProblem)) return [];
  return Object.entries(error.fields).filter(([field]) => field === "payload" || field.startsWith("payload.")).map(([field, message]) => ({ field, message }));
}

/** The faults in words, for those who don't see what is underlined. */
function Faults({ faults }: { faults: Fault[] }) {
  const t = useTexts();
  if (faults.length === 0) return null;
  return (
    <Alert color="red" title={t("payload_faults")} role="alert">
      <List size="sm">{faults.map(({ field, message }) => <List.Item key={field}><strong>{field}</strong>: {message}</List.Item>)}</List>
    </Alert>
  );
}
