import { Stack, Text, Title } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { eventSource } from "../activity/eventRows";
import { FilterBar } from "../activity/FilterBar";
import { narrowed, type Filters, type LogFilters } from "../activity/filters";
import { LiveButton } from "../activity/live";
import { LogTable } from "../activity/LogTable";
import { useLog } from "../activity/useLog";
import { Page } from "../components/Page";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { Catalog } from "./Catalog";
import { DeclareKind } from "./DeclareKind";
import { EventDrawer } from "./EventDrawer";
import { PublishEvent } from "./PublishEvent";

/** What happened, and where it was sent; what can happen, and what it looks like. */
export function EventsPage() {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const { entry, ...filters } = useSearch({ from: "/inside/events" });
  const go = (search: LogFilters, replace = false) => void navigate({ to: "/events", search, replace });
  const narrow = (changed: Filters) => go({ ...filters, ...changed }, "q" in changed && filters.q !== undefined);
  const open = (id: string | undefined) => go({ ...filters, entry: id });
  const [paused, setPaused] = useState(false);
  const log = useLog(eventSource(filters), paused);
  return (
    <Page title={t("events")} about={t("events_about")} actions={may("write") && <><DeclareKind /><PublishEvent /></>}>
      <Stack gap="sm">
        <Title order={2} size="h4">{t("events_latest")}</Title>
        <FilterBar filters={filters} statuses={[]} more={["event_type"]} onChange={narrow}>
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
      </Stack>
      <Catalog />
      <EventDrawer id={entry} onClose={() => open(undefined)} />
    </Page>
  );
}
