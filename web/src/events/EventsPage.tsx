import { Drawer, Group, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { useEventTypes } from "../components/EventTypeInput";
import { Listing } from "../components/Listing";
import { Page } from "../components/Page";
import { Json, Moment, StatusBadge } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { FilterBar } from "./FilterBar";
import { useLive } from "./live";

/** What happened, and where it was sent. */
export function EventsPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const { q, entry } = useSearch({ from: "/inside/events" });
  const { refresh, button } = useLive();
  const open = (id: string | undefined) => void navigate({ to: "/events", search: { q, entry: id } });
  return (
    <Page title={t("events")} about={t("events_about")}>
      <FilterBar filters={{ q }} statuses={[]} onChange={(change) => void navigate({ to: "/events", search: { q: change.q }, replace: true })}>{button}</FilterBar>
      <Listing
        label={t("events")}
        queryKey={["events", q]}
        load={(cursor) => answer(api.GET("/events", { params: { query: { q, cursor } } }))}
        rowKey={({ id }) => id}
        refresh={refresh}
        empty={{ title: t("events_none"), advice: t("events_none_advice") }}
        columns={[
          { title: t("when"), cell: ({ id, timestamp }) => <UnstyledButton className="link" onClick={() => open(id)}><Moment at={timestamp} /></UnstyledButton> },
          { title: t("event"), cell: ({ event_type }) => <Text size="sm" ff="monospace">{event_type}</Text> },
          { title: t("email"), cell: ({ data }) => <Text size="sm">{typeof data.email === "string" ? data.email : "—"}</Text> },
        ]}
      />
      <Catalog />
      <EventDrawer id={entry} onClose={() => open(undefined)} />
    </Page>
  );
}

function Catalog() {
  const t = useTexts();
  const types = useEventTypes();
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">{t("event_catalog")}</Title>
      <dl className="facts">
        {types.data?.map(({ name, description }) => (
          <div key={name}><dt><code>{name}</code></dt><dd>{description}</dd></div>
        ))}
      </dl>
    </Stack>
  );
}

function EventDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts();
  const event = useQuery({
    queryKey: ["event", id],
    queryFn: () => answer(api.GET("/events/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: id !== undefined,
  });
  return (
    <Drawer opened={id !== undefined} onClose={onClose} position="right" size="lg" title={t("event")} closeButtonProps={{ "aria-label": t("close") }}>
      {event.isError && <Trouble error={event.error} />}
      {event.data && <Detail event={event.data} />}
    </Drawer>
  );
}

function Detail({ event }: { event: Schemas["EventWithDeliveries"] }) {
  const t = useTexts();
  return (
    <Stack>
      <Group><Text ff="monospace">{event.event_type}</Text><Moment at={event.timestamp} /></Group>
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
