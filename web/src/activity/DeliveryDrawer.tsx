import { Alert, Button, Group, Stack, Text, Timeline } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { MayWrite } from "../components/MayWrite";
import { Json, Moment, StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { useTexts } from "../texts";
import { CopyCurl, EntryDrawer, Facts, Section } from "./EntryDrawer";
import { CameFrom, useEvent } from "./Linked";

type Delivery = Schemas["Delivery"];

interface DeliveryDrawerProps {
  id: string | undefined;
  onClose: () => void;
}

/** One delivery, with each attempt. */
export function DeliveryDrawer({ id, onClose }: DeliveryDrawerProps) {
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
      {(delivery) => <Detail key={delivery.id} delivery={delivery} />}
    </EntryDrawer>
  );
}

/** How often a delivery that is not finished is asked for, in milliseconds. */
const LOOK = 2_000;

function Detail({ delivery }: { delivery: Delivery }) {
  const t = useTexts();
  const { attempts } = delivery;
  const event = useEvent(delivery.test ? undefined : delivery.event_id);
  const request = event.data?.request_id;
  return (
    <Stack>
      <Group gap="xs">
        <StatusBadge status={delivery.status} /><Moment at={delivery.created_at} />
        {delivery.test && <Text size="sm" c="dimmed">{t("test")}</Text>}
      </Group>
      <What delivery={delivery} />
      {delivery.next_attempt_at && <Alert color="blue">{t("next_attempt")} <Moment at={delivery.next_attempt_at} /></Alert>}
      <Facts
        facts={[
          [t("event"), delivery.test ? <code key="event">{delivery.event_type}</code> : (
            <Link key="event" className="link" to="/events" search={{ entry: delivery.event_id }}>{delivery.event_type}</Link>
          )],
          [t("came_from"), request && <CameFrom key="from" requestId={request} />],
          [t("entry_id"), <code key="id">{delivery.id}</code>],
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

function What({ delivery }: { delivery: Delivery }) {
  const t = useTexts();
  const client = useQueryClient();
  const webhook = useQuery({
    queryKey: ["outgoing", delivery.webhook_id],
    queryFn: () => answer(api.GET("/outgoing-webhooks/{id}", { params: { path: { id: delivery.webhook_id } } })),
  });
  const retry = useMutation({
    mutationFn: () => answer(api.POST("/deliveries/{id}/retry", { params: { path: { id: delivery.id } } })),
    onSuccess: (after) => {
      client.setQueryData(["delivery", delivery.id], after);
      tell(t("queued_again"));
    },
    onError: tellTrouble,
  });
  const last = delivery.attempts.at(-1);
  return (
    <Group gap="xs">
      <MayWrite><Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>{t("send_again")}</Button></MayWrite>
      {webhook.data && last && <CopyCurl sent={{ method: webhook.data.method ?? "POST", url: webhook.data.url, headers: last.request_headers, body: delivery.payload }} />}
    </Group>
  );
}

function Attempt({ attempt }: { attempt: Schemas["Attempt"] }) {
  const t = useTexts();
  const headers = Object.keys(attempt.response_headers).length > 0;
  return (
    <Stack gap="xs">
      <Group gap="xs"><Moment at={attempt.at} /><Text size="xs" c="dimmed">{t("milliseconds", { n: attempt.duration_ms })}</Text></Group>
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
