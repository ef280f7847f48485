/** What belongs together: a request, the events it made, and the deliveries that those made. */
import { Group, Loader, Stack, Text, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { answer, api } from "../api/client";
import { StatusBadge } from "../components/small";
import { incomingQuery } from "../incoming/query";
import { outgoingQuery } from "../outgoing/query";
import { useTexts } from "../texts";

/** Events of one request that are shown at once, with all their deliveries. */
const AT_ONCE = 5;

/** The name of an outgoing webhook, or its id where that is all that is known, as when it was deleted. */
export function OutgoingName({ id }: { id: string }) {
  const webhook = useQuery(outgoingQuery(id));
  return webhook.data?.name ?? id;
}

export function IncomingName({ id }: { id: string }) {
  const webhook = useQuery(incomingQuery(id));
  return webhook.data?.name ?? id;
}

export function useEvent(id: string | undefined) {
  return useQuery({ queryKey: ["event", id], queryFn: () => answer(api.GET("/events/{id}", { params: { path: { id: id ?? "" } } })), enabled: id !== undefined });
}

/** The request that something came of, on the page of its webhook. */
export function CameFrom({ requestId }: { requestId: string }) {
  const request = useQuery({ queryKey: ["request", requestId], queryFn: () => answer(api.GET("/requests/{id}", { params: { path: { id: requestId } } })) });
  if (!request.data) return <Text span size="sm" ff="monospace">{requestId}</Text>;
  const { webhook_id, id } = request.data;
  return <Link className="link" to="/incoming/$id" params={{ id: webhook_id }} search={{ tab: "log", entry: id }}><IncomingName id={webhook_id} /> · {id}</Link>;
}

/** Events, each with where it went. */
export function EventsMade({ ids }: { ids: string[] }) {
  const t = useTexts();
  const [shown, setShown] = useState(AT_ONCE);
  return (
    <Stack gap="sm">
      {ids.slice(0, shown).map((id) => <EventMade key={id} id={id} />)}
      {ids.length > shown && <UnstyledButton className="link" onClick={() => setShown(shown + AT_ONCE)}>{t("events_more", { n: ids.length - shown })}</UnstyledButton>}
    </Stack>
  );
}

function EventMade({ id }: { id: string }) {
  const event = useEvent(id);
  return (
    <div className="branch">
      <Group gap="xs">
        <Link className="link" to="/events" search={{ entry: id }}>{event.data?.event_type ?? id}</Link>
        {event.isPending && <Loader size="xs" aria-hidden />}
      </Group>
      {event.data && <DeliveriesOf deliveries={event.data.deliveries} skipped={event.data.skipped} />}
    </div>
  );
}

interface Deliveries {
  deliveries: { id: string; webhook_id: string; to_listener: boolean; status: string }[];
  skipped: { webhook_id: string; reason: string }[];
}

/** Where an event went, and where not and why. */
export function DeliveriesOf({ deliveries, skipped }: Deliveries) {
  const t = useTexts();
  return (
    <Stack gap={6} className="branch">
      {deliveries.map(({ id, webhook_id, to_listener, status }) => (
        <Group key={id} gap="xs">
          <StatusBadge status={status} />
          {to_listener ? <Text size="sm">{t("sent_to_listener")}</Text> : <Link className="link" to="/outgoing/$id" params={{ id: webhook_id }} search={{ tab: "log", entry: id }}><OutgoingName id={webhook_id} /></Link>}
        </Group>
      ))}
      {skipped.map(({ webhook_id, reason }) => (
        <Text key={webhook_id} size="sm">
          <Link className="link" to="/outgoing/$id" params={{ id: webhook_id }}><OutgoingName id={webhook_id} /></Link>: {reason}
        </Text>
      ))}
      {deliveries.length === 0 && skipped.length === 0 && <Text size="sm" c="dimmed">{t("sent_nowhere")}</Text>}
    </Stack>
  );
}
