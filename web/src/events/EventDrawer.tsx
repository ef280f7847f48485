import { Drawer, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { Json, Moment, StatusBadge } from "../components/small";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useTexts } from "../texts";

export function EventDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts();
  const event = useQuery({
    queryKey: ["event", id],
    queryFn: () => answer(api.GET("/events/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: id !== undefined,
  });
  return (
    <Drawer opened={id !== undefined} onClose={onClose} position="right" size="lg" title={t("event")} closeButtonProps={{ "aria-label": t("close") }}>
      {event.isPending && <Waiting />}
      {event.isError && <Trouble error={event.error} />}
      {event.data && <Detail event={event.data} />}
    </Drawer>
  );
}

function Detail({ event }: { event: Schemas["EventWithDeliveries"] }) {
  const t = useTexts();
  const subscriber = event.data.subscriber_id;
  return (
    <Stack>
      <Group><Text ff="monospace">{event.event_type}</Text><Moment at={event.timestamp} /></Group>
      {typeof subscriber === "number" && <div><Link className="link" to="/subscribers/$id" params={{ id: String(subscriber) }}>{t("subscriber")}</Link></div>}
      <Title order={3} size="h5">{t("sent_to")}</Title>
      {event.deliveries.map(({ id, webhook_id, status }) => (
        <Group key={id}>
          <StatusBadge status={status} />
          <Link className="link" to="/outgoing/$id" params={{ id: webhook_id }} search={{ tab: "log", entry: id }}>{id}</Link>
        </Group>
      ))}
      {event.deliveries.length === 0 && <Text size="sm" c="dimmed">{t("sent_nowhere")}</Text>}
      {event.skipped.map(({ webhook_id, reason }) => <Text key={webhook_id} size="sm">{webhook_id}: {reason}</Text>)}
      <Title order={3} size="h5">{t("payload")}</Title>
      <Json value={event.data} label={t("payload")} />
    </Stack>
  );
}
