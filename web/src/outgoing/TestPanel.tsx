import { Alert, Badge, Button, Group, JsonInput, Paper, Select, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { useEventTypes } from "../components/EventTypeInput";
import { Json } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import type { OutgoingWebhook } from "./form";

/** Sends a sample for real, and shows what was sent and what came back. */
export function TestPanel({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const client = useQueryClient();
  const types = useEventTypes();
  const [chosen, setChosen] = useState<string | null>(null);
  const [edited, setEdited] = useState<string | null>(null);
  const subscribed = types.data?.find(({ name }) => webhook.events.includes(name))?.name;
  const eventType = chosen ?? subscribed ?? "subscriber_added";
  const example = types.data?.find(({ name }) => name === eventType)?.example;
  const data = edited ?? JSON.stringify(example ?? {}, null, 2);
  const test = useMutation({
    mutationFn: () =>
      answer(api.POST("/outgoing-webhooks/{id}/test", { params: { path: { id: webhook.id } }, body: { event_type: eventType, data: JSON.parse(data) } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["outgoing", webhook.id, "deliveries"] }),
  });
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Paper withBorder p="lg">
        <Stack>
          <Title order={2} size="h4">{t("test_send")}</Title>
          <Select
            label={t("event")} allowDeselect={false} searchable value={eventType} data={types.data?.map(({ name }) => name) ?? [eventType]}
            onChange={(name) => {
              setChosen(name);
              setEdited(null);
            }}
          />
          <JsonInput label={t("test_data")} description={t("test_data_about")} validationError={t("not_json")} formatOnBlur autosize minRows={8} maxRows={20} value={data} onChange={setEdited} />
          <Group><Button loading={test.isPending} onClick={() => test.mutate()}>{t("send_test")}</Button></Group>
        </Stack>
      </Paper>
      <Stack aria-live="polite">
        {test.isError && <Trouble error={test.error} />}
        {test.data && <Result result={test.data} />}
        {!test.data && !test.isError && <Text c="dimmed">{t("test_about")}</Text>}
      </Stack>
    </SimpleGrid>
  );
}

function Result({ result }: { result: Schemas["TestResult"] }) {
  const t = useTexts();
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Group>
          <Title order={2} size="h4">{result.success ? t("test_worked") : t("test_failed")}</Title>
          {result.status && <Badge variant="default">{result.status}</Badge>}
          <Text size="sm" c="dimmed">{t("milliseconds", { n: result.time_ms })}</Text>
        </Group>
        {result.error && <Alert color="red" title={result.error}>{result.hint}</Alert>}
        <Text fw={550} size="sm">{t("their_answer")}</Text>
        <Json value={result.response ?? ""} label={t("their_answer")} height={180} />
        <Text fw={550} size="sm">{t("exact_request")}</Text>
        {result.request && <Json value={result.request} label={t("exact_request")} />}
      </Stack>
    </Paper>
  );
}
