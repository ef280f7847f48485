import { Alert, Button, Group, Paper, Select, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { Json } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useEventTypes } from "../components/EventTypeInput";
import { useTexts } from "../texts";
import { useChangeOutgoing } from "./OutgoingPage";
import type { OutgoingWebhook } from "./form";
import { PayloadEditor } from "./PayloadEditor";
import { TEMPLATES } from "./templates";

const CALM = 400;

/** What is sent: typed or taken from a template, and what becomes of a sample of it. */
export default function PayloadBuilder({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const change = useChangeOutgoing(webhook.id);
  const saved = webhook.payload === null || webhook.payload === undefined ? "" : JSON.stringify(webhook.payload, null, 2);
  const [initial, setInitial] = useState(saved);
  const [text, setText] = useState(saved);
  const begin = (from: string) => {
    setInitial(from);
    setText(from);
  };
  const payload = parsed(text);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
      <Paper withBorder p="lg">
        <Stack>
          <Title order={2} size="h4">{t("tab_payload")}</Title>
          <Text size="sm" c="dimmed">{t("payload_about")}</Text>
          <Select
            label={t("begin_with")} placeholder={t("choose")} value={null} data={TEMPLATES.map(({ name }) => name)}
            onChange={(chosen) => {
              const template = TEMPLATES.find(({ name }) => name === chosen);
              if (template) begin(JSON.stringify(template.payload, null, 2));
            }}
          />
          <PayloadEditor label={t("tab_payload")} initial={initial} onChange={setText} />
          {payload.fault && <Alert color="red" title={t("not_json")}>{payload.fault}</Alert>}
          {change.isError && <Trouble error={change.error} />}
          <Group>
            <Button disabled={Boolean(payload.fault) || text === saved} loading={change.isPending} onClick={() => change.mutate({ payload: payload.value as never })}>{t("save")}</Button>
            {text !== "" && <Button variant="default" onClick={() => begin("")}>{t("plain_event")}</Button>}
          </Group>
        </Stack>
      </Paper>
      <Rendered webhook={webhook} payload={payload.fault ? undefined : payload.value} />
    </SimpleGrid>
  );
}

/** What a sample becomes by what is saved, or how what was typed differs from it. */
function Rendered({ webhook, payload }: { webhook: OutgoingWebhook; payload: unknown }) {
  const t = useTexts();
  const types = useEventTypes();
  const [calm] = useDebouncedValue(payload, CALM);
  const name = types.data?.find(({ name }) => webhook.events.includes(name))?.name ?? "subscriber_added";
  const example = types.data?.find((type) => type.name === name)?.example;
  const preview = useQuery({
    queryKey: ["outgoing", webhook.id, "preview", name, calm],
    queryFn: () =>
      answer(api.POST("/outgoing-webhooks/{id}/preview", {
        params: { path: { id: webhook.id } },
        body: { event_type: name, data: example ?? {}, payload: calm },
      })),
    enabled: types.isSuccess && calm !== undefined,
  });
  return (
    <Paper withBorder p="lg">
      <Stack aria-live="polite">
        <Title order={2} size="h4">{t("what_is_sent")}</Title>
        {preview.isError && <Trouble error={preview.error} />}
        {preview.data?.reason && <Alert color="yellow">{preview.data.reason}</Alert>}
        {preview.data?.request && <Json value={preview.data.request.body} label={t("what_is_sent")} />}
      </Stack>
    </Paper>
  );
}

function parsed(text: string): { value: unknown; fault?: string } {
  if (text.trim() === "") return { value: null };
  try {
    return { value: JSON.parse(text) };
  } catch (fault) {
    return { value: null, fault: String(fault) };
  }
}
