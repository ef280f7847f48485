import { Alert, Button, Group, JsonInput, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CopyCurl } from "../activity/EntryDrawer";
import { answer, api, type Schemas } from "../api/client";
import { useScratch } from "../components/drafts";
import { MayWrite } from "../components/MayWrite";
import { Json } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import type { OutgoingWebhook } from "./form";
import { parsedPayload } from "./payload";
import { SamplePicker, useKinds, useSampleData, type Sample } from "./SamplePicker";

/** As long as nothing is chosen or typed. */
const NOTHING = { chosen: undefined as Sample | undefined, edited: null as string | null };

/** Sends a sample for real, and shows what was sent and what came back. */
export function TestPanel({ webhook }: { webhook: OutgoingWebhook }) {
  return <MayWrite says><Testing webhook={webhook} /></MayWrite>;
}

function Testing({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const { first } = useKinds(webhook.events);
  const scratch = useScratch(`outgoing/${webhook.id}/test`, NOTHING);
  const { chosen, edited } = scratch.value;
  const sample = chosen ?? { eventType: first, eventId: undefined };
  const original = useSampleData(sample);
  const text = edited ?? JSON.stringify(original ?? {}, null, 2);
  const data = parsedPayload(text);
  const isObject = typeof data.value === "object" && data.value !== null && !Array.isArray(data.value);
  const test = useMutation({
    mutationFn: () =>
      answer(api.POST("/outgoing-webhooks/{id}/test", {
        params: { path: { id: webhook.id } },
        body: sample.eventId !== undefined && edited === null ? { event_id: sample.eventId } : { event_type: sample.eventType, data: data.value as Record<string, unknown> },
      })),
  });
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Paper withBorder p="lg">
        <Stack>
          <Title order={2} size="h4">{t("test_send")}</Title>
          <SamplePicker
            patterns={webhook.events} sample={sample}
            onChange={(chosen) => scratch.set({ chosen, edited: null })}
          />
          <JsonInput
            label={t("test_data")} description={t("test_data_about")} error={!isObject && t("not_an_object")} autosize minRows={8} maxRows={20}
            classNames={{ input: "mono" }} value={text} onChange={(edited) => scratch.change({ edited })}
          />
          <Group><Button disabled={!isObject || (edited === null && original === undefined)} loading={test.isPending} onClick={() => test.mutate()}>{t("send_test")}</Button></Group>
        </Stack>
      </Paper>
      <Stack aria-live="polite">
        {test.isError && <Trouble error={test.error} />}
        {test.data && <Result webhookId={webhook.id} result={test.data} />}
        {!test.data && !test.isError && <Text c="dimmed">{t("test_about")}</Text>}
      </Stack>
    </SimpleGrid>
  );
}

function Result({ webhookId, result }: { webhookId: string; result: Schemas["TestResult"] }) {
  const t = useTexts();
  const { request } = result;
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Title order={2} size="h4">{result.success ? t("test_worked") : t("test_failed")}</Title>
        {result.error && <Alert color="red" title={result.error}>{result.hint}</Alert>}
        {result.skipped && <Alert color="yellow" title={t("test_skipped")}>{result.skipped}</Alert>}
        <dl className="facts">
          <div><dt>{t("status")}</dt><dd>{result.status ?? "—"}</dd></div>
          <div><dt>{t("time")}</dt><dd>{t("milliseconds", { n: result.time_ms })}</dd></div>
          <div><dt>{t("delivery")}</dt><dd><Link className="link" to="/outgoing/$id" params={{ id: webhookId }} search={{ tab: "log", entry: result.delivery_id }}>{t("test_delivery")}</Link></dd></div>
        </dl>
        <Text fw={550} size="sm">{t("their_answer")}</Text>
        <Json value={result.response ?? ""} label={t("their_answer")} height={180} />
        <details>
          <summary>{t("test_response_headers")}</summary>
          <Json value={result.response_headers} label={t("test_response_headers")} height={180} />
        </details>
        {request && (
          <>
            <Group justify="space-between"><Text fw={550} size="sm">{t("exact_request")}</Text><CopyCurl sent={request} /></Group>
            <Text size="sm" ff="monospace" className="wrapping">{request.method} {request.url}</Text>
            <Json value={request.headers} label={t("headers")} height={180} />
            <Json value={request.body} label={t("exact_request")} />
          </>
        )}
      </Stack>
    </Paper>
  );
}
