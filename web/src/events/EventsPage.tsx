import { Group, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { FilterBar } from "../activity/FilterBar";
import { useLive } from "../activity/live";
import { answer, api } from "../api/client";
import { EventTypeInput } from "../components/EventTypeInput";
import { Listing } from "../components/Listing";
import { Page } from "../components/Page";
import { Moment } from "../components/small";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { Catalog } from "./Catalog";
import { DeclareKind } from "./DeclareKind";
import { EventDrawer } from "./EventDrawer";
import { PublishEvent } from "./PublishEvent";

interface EventSearch {
  q?: string;
  event_type?: string;
}

/** What happened, and where it was sent; what can happen, and what it looks like. */
export function EventsPage() {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const { q, event_type, entry } = useSearch({ from: "/inside/events" });
  const { refresh, button } = useLive();
  const open = (id: string | undefined) => void navigate({ to: "/events", search: (before) => ({ ...before, entry: id }) });
  const filter = (change: EventSearch) => void navigate({ to: "/events", search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <Page title={t("events")} about={t("events_about")} actions={may("write") && <><DeclareKind /><PublishEvent /></>}>
      <Stack gap="sm">
        <Title order={2} size="h4">{t("events_latest")}</Title>
        <FilterBar filters={{ q }} statuses={[]} onChange={(change) => filter({ q: change.q })}>
          <Group gap="xs" align="flex-end">
            <EventTypeInput label={t("event")} value={event_type ?? ""} onChange={(name) => filter({ event_type: name || undefined })} />
            {button}
          </Group>
        </FilterBar>
        <Listing
          label={t("events")}
          queryKey={["events", q, event_type]}
          load={(cursor) => answer(api.GET("/events", { params: { query: { q, event_type, cursor, limit: 20 } } }))}
          rowKey={({ id }) => id}
          refresh={refresh}
          empty={{ title: t("events_none"), advice: t("events_none_advice") }}
          columns={[
            { title: t("when"), cell: ({ id, timestamp }) => <UnstyledButton className="link" onClick={() => open(id)}><Moment at={timestamp} /></UnstyledButton> },
            { title: t("event"), cell: ({ event_type }) => <Text size="sm" ff="monospace">{event_type}</Text> },
            { title: t("email"), cell: ({ data }) => <Text size="sm">{typeof data.email === "string" ? data.email : "—"}</Text> },
          ]}
        />
      </Stack>
      <Catalog />
      <EventDrawer id={entry} onClose={() => open(undefined)} />
    </Page>
  );
}
