import { Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { EntryDrawer, Facts, Section } from "../activity/EntryDrawer";
import { CameFrom, DeliveriesOf, useEvent } from "../activity/Linked";
import type { Schemas } from "../api/client";
import { Json, Moment } from "../components/small";
import { useTexts } from "../texts";

export function EventDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts();
  const event = useEvent(id);
  return (
    <EntryDrawer title={t("event")} id={id} entry={event} onClose={onClose}>
      {(event) => <Detail event={event} />}
    </EntryDrawer>
  );
}

function Detail({ event }: { event: Schemas["EventWithDeliveries"] }) {
  const t = useTexts();
  const subscriber = event.data.subscriber_id;
  const editedFor = event.resent_from && event.deliveries.at(0)?.webhook_id;
  return (
    <Stack>
      <Group><Text ff="monospace">{event.event_type}</Text><Moment at={event.timestamp} /></Group>
      {typeof subscriber === "number" && <div><Link className="link" to="/subscribers/$id" params={{ id: String(subscriber) }}>{t("subscriber")}</Link></div>}
      <Facts
        facts={[
          [t("came_from"), event.request_id && <CameFrom key="from" requestId={event.request_id} />],
          [t("entry_id"), <code key="id">{event.id}</code>],
          [t("resent_delivery_from"), editedFor && event.resent_from && (
            <Link key="resent" className="link" to="/outgoing/$id" params={{ id: editedFor }} search={{ tab: "log", entry: event.resent_from }}>{event.resent_from}</Link>
          )],
        ]}
      />
      <Section title={t("sent_to")}><DeliveriesOf deliveries={event.deliveries} skipped={event.skipped} /></Section>
      <Section title={t("payload")}><Json value={event.data} label={t("payload")} /></Section>
    </Stack>
  );
}
