import { Alert, Button, Group, Stack, Text, Timeline } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { MayWrite } from "../components/MayWrite";
import { Json, Moment, StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { outgoingQuery } from "../outgoing/query";
import { useTexts } from "../texts";
import { CopyCurl, EntryDrawer, Facts, OtherEntry, Section } from "./EntryDrawer";
import { CameFrom, useEvent } from "./Linked";
import { ResendEdited } from "./ResendEdited";

type Delivery = Schemas["DeliveryWithResends"];

interface DeliveryDrawerProps {
  id: string | undefined;
  onClose: () => void;
  /** Shows another delivery in its place. */
  onOpen: (id: string) => void;
}

/** One delivery, with each attempt. */
export function DeliveryDrawer({ id, onClose, onOpen }: DeliveryDrawerProps) {
  const t = useTexts();
  const delivery = useQuery({
    queryKey: ["delivery", id],
    queryFn: () => answer(api.GET("/deliveries/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: id !== undefined,
    // What is under way changes while one looks.
    refetchInterval: ({ state }) => (state.data?.status === "pending" || state.data?.status === "retrying" ? LOOK : false),
  });
  return (
    <EntryDrawer title={t("delivery")} id={id} entry={delivery} onClose={onClose}>
      {(delivery) => <Detail key={delivery.id} delivery={delivery} onOpen={onOpen} />}
    </EntryDrawer>
  );
}

/** How often a delivery that is not finished is asked for, in milliseconds. */
const LOOK = 2_000;

function Detail({ delivery, onOpen }: { delivery: Delivery; onOpen: (id: string) => void }) {
  const t = useTexts();
  const { attempts, resends, resent_from: from } = delivery;
  const event = useEvent(delivery.test ? undefined : delivery.event_id);
  const request = event.data?.request_id;
  return (
    <Stack>
      <Group gap="xs">
        <StatusBadge status={delivery.status} /><Moment at={delivery.created_at} />
        {delivery.test && <Text size="sm" c="dimmed">{t("test")}</Text>}
      </Group>
      <What delivery={delivery} data={event.data?.data} onOpen={onOpen} />
      {delivery.next_attempt_at && <Alert color="blue">{t("next_attempt")} <Moment at={delivery.next_attempt_at} /></Alert>}
      <Facts
        facts={[
          [t("event"), delivery.test ? <code key="event">{delivery.event_type}</code> : (
            <Link key="event" className="link" to="/events" search={{ entry: delivery.event_id }}>{delivery.event_type}</Link>
          )],
          [t("came_from"), request && <CameFrom key="from" requestId={request} />],
          [t("entry_id"), <code key="id">{delivery.id}</code>],
          [t("resent_delivery_from"), from && <OtherEntry key="resent" id={from} onOpen={onOpen} />],
          [t("resends"), resends.length > 0 ? resends.map((id) => <div key={id}><OtherEntry id={id} onOpen={onOpen} /></div>) : undefined],
        ]}
      />
      <Section title={t("attempts")}>
        {attempts.length === 0 && <Text size="sm" c="dimmed">{t("not_tried_yet")}</Text>}
        <Timeline bulletSize={14} lineWidth={2}>
          {attempts.map((attempt) => (
            <Timeline.Item key={attempt.number} title={`${attempt.number}. ${attempt.http_status ?? attempt.error_code ?? ""}`}>
              <Attempt attempt={attempt} />
            </Timeline.Item>
          ))}
        </Timeline>
      </Section>
      <Section title={t("payload")}><Json value={delivery.payload} label={t("payload")} /></Section>
      <Section title={t("headers")}><Json value={attempts.at(-1)?.request_headers ?? {}} label={t("headers")} height={220} /></Section>
    </Stack>
  );
}

interface WhatProps {
  delivery: Delivery;
  /** Of its event; nothing of a test, which has none, and while it is loaded. */
  data: Record<string, unknown> | undefined;
  onOpen: (id: string) => void;
}

function What({ delivery, data, onOpen }: WhatProps) {
  const t = useTexts();
  const client = useQueryClient();
  const [editing, edit] = useDisclosure();
  const webhook = useQuery(outgoingQuery(delivery.webhook_id));
  const retry = useMutation({
    mutationFn: () => answer(api.POST("/deliveries/{id}/retry", { params: { path: { id: delivery.id } } })),
    onSuccess: (after) => {
      client.setQueryData<Delivery>(["delivery", delivery.id], (before) => before && { ...before, ...after });
      tell(t("queued_again"));
    },
    onError: tellTrouble,
  });
  const last = delivery.attempts.at(-1);
  return (
    <>
      <Group gap="xs">
        <MayWrite>
          <Button size="xs" loading={retry.isPending} disabled={delivery.test || delivery.status === "pending"} onClick={() => retry.mutate()}>{t("send_again")}</Button>
          {!delivery.test && <Button size="xs" variant="default" disabled={!data} onClick={edit.open}>{t("resend_edited")}…</Button>}
        </MayWrite>
        {webhook.data && last && <CopyCurl sent={{ method: last.method ?? webhook.data.method ?? "POST", url: last.url ?? webhook.data.url, headers: last.request_headers, body: delivery.payload }} />}
      </Group>
      {data && (
        <ResendEdited
          opened={editing} onClose={edit.close} entry={`deliveries/${delivery.id}`} label={t("event_data")} payload={data} about={t("resend_delivery_about")}
          send={(edited) => answer(api.POST("/deliveries/{id}/resend", { params: { path: { id: delivery.id } }, body: { data: edited as Record<string, never> } }))}
          onSent={({ id }) => {
            edit.close();
            void client.invalidateQueries({ queryKey: ["delivery", delivery.id] });
            onOpen(id);
          }}
        />
      )}
    </>
  );
}

function Attempt({ attempt }: { attempt: Schemas["Attempt"] }) {
  const t = useTexts();
  const headers = Object.keys(attempt.response_headers).length > 0;
  return (
    <Stack gap="xs">
      <Group gap="xs"><Moment at={attempt.at} /><Text size="xs" c="dimmed">{t("milliseconds", { n: attempt.duration_ms })}</Text></Group>
      {attempt.url && <Text size="sm" ff="monospace" className="wrapping">{attempt.method} {attempt.url}</Text>}
      {attempt.error && (
        <Alert color="red" title={attempt.error}>{attempt.hint}</Alert>
      )}
      {attempt.response_body && <Json value={attempt.response_body} label={t("their_answer")} height={160} />}
      {headers && (
        <details>
          <summary>{t("their_headers")}</summary>
          <Json value={attempt.response_headers} label={t("their_headers")} height={160} />
        </details>
      )}
    </Stack>
  );
}
