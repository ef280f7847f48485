import { Group, Stack, Text, Title } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { useEventTypes } from "../components/EventTypeInput";
import { Page } from "../components/Page";
import { Json, Moment } from "../components/small";
import { useTexts } from "../texts";
import { EntryDrawer, Facts, Section } from "./EntryDrawer";
import { eventSource } from "./eventRows";
import { FilterBar } from "./FilterBar";
import { narrowed, type Filters, type LogFilters } from "./filters";
import { CameFrom, DeliveriesOf, useEvent } from "./Linked";
import { LiveButton } from "./live";
import { LogTable } from "./LogTable";
import { useLog } from "./useLog";

/** What happened, and where it was sent. */
export function EventsPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const { entry, ...filters } = useSearch({ from: "/inside/events" });
  const go = (search: LogFilters, replace = false) => void navigate({ to: "/events", search, replace });
  const narrow = (changed: Filters) => go({ ...filters, ...changed }, "q" in changed && filters.q !== undefined);
  const open = (id: string | undefined) => go({ ...filters, entry: id });
  const [paused, setPaused] = useState(false);
  const log = useLog(eventSource(filters), paused);
  return (
    <Page title={t("events")} about={t("events_about")}>
      <FilterBar filters={filters} statuses={[]} more={[]} onChange={narrow}>
        <LiveButton state={log.state} onPause={setPaused} />
      </FilterBar>
      <LogTable
        label={t("events")} log={log} opened={entry} opening={({ event_type }) => event_type} onOpen={({ id }) => open(id)}
        empty={narrowed(filters).length > 0 ? { title: t("log_filtered"), advice: t("log_filtered_advice") } : { title: t("events_none"), advice: t("events_none_advice") }}
        columns={[
          { title: t("when"), width: "minmax(110px, 1fr)", cell: () => null },
          { title: t("event"), width: "minmax(120px, 1fr)", cell: ({ event_type }) => <Text size="sm" ff="monospace" truncate>{event_type}</Text> },
          { title: t("email"), width: "minmax(90px, 2fr)", cell: ({ email }) => <Text size="sm" truncate>{email ?? "—"}</Text> },
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
  const event = useEvent(id);
  return (
    <EntryDrawer title={t("event")} id={id} entry={event} onClose={onClose}>
      {(event) => <Detail event={event} />}
    </EntryDrawer>
  );
}

function Detail({ event }: { event: Schemas["EventWithDeliveries"] }) {
  const t = useTexts();
  return (
    <Stack>
      <Group><Text ff="monospace">{event.event_type}</Text><Moment at={event.timestamp} /></Group>
      <Facts facts={[[t("came_from"), event.request_id && <CameFrom key="from" requestId={event.request_id} />], [t("entry_id"), <code key="id">{event.id}</code>]]} />
      <Section title={t("sent_to")}><DeliveriesOf deliveries={event.deliveries} skipped={event.skipped} /></Section>
      <Section title={t("payload")}><Json value={event.data} label={t("payload")} /></Section>
    </Stack>
  );
}
