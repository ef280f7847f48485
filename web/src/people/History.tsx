import { Button, Paper, Stack, Table, Text, Timeline, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { Moment } from "../components/small";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useTexts, useWord } from "../texts";
import { listName, useCustomFields, useLists } from "./catalogues";

const PAGE = 20;
/** How often it is asked further back at once. */
const PATIENCE = 20;

/** Every event of a subscriber, the newest first, with what it changed. */
export function History({ id }: { id: number }) {
  const t = useTexts();
  const events = useInfiniteQuery({
    queryKey: ["subscriber", String(id), "events"],
    queryFn: ({ pageParam }) => page(id, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const all = events.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h5" mb="md">{t("history")}</Title>
      {events.isPending && <Waiting lines={3} />}
      {events.isError && <Trouble error={events.error} retry={() => void events.refetch()} />}
      {events.isSuccess && all.length === 0 && <Text size="sm" c="dimmed">{t("history_none")}</Text>}
      <Timeline bulletSize={14} lineWidth={2}>
        {all.map((event) => <Timeline.Item key={event.id} title={<Told event={event} />}><Detail event={event} /></Timeline.Item>)}
      </Timeline>
      {events.hasNextPage && <Button mt="md" variant="default" loading={events.isFetchingNextPage} onClick={() => void events.fetchNextPage()}>{t("show_more")}</Button>}
    </Paper>
  );
}

/** A page of events. In a long log it may take several questions until one is found. */
async function page(id: number, cursor: string | undefined) {
  let found = await answer(api.GET("/subscribers/{id}/events", { params: { path: { id }, query: { limit: PAGE, cursor } } }));
  for (let more = 0; more < PATIENCE && found.data.length === 0 && found.next_cursor; more += 1) {
    found = await answer(api.GET("/subscribers/{id}/events", { params: { path: { id }, query: { limit: PAGE, cursor: found.next_cursor } } }));
  }
  return found;
}

/** What happened, in words. */
function Told({ event }: { event: Schemas["Event"] }) {
  const t = useTexts();
  const word = useWord();
  const text = (name: string) => String(event.data[name] ?? "");
  switch (event.event_type) {
    case "subscriber_added": return t("told_added");
    case "subscriber_updated": return t("told_updated");
    case "subscriber_deleted": return t("told_deleted");
    case "subscriber_tagged": return t("told_tagged", { tag: text("tag") });
    case "subscriber_untagged": return t("told_untagged", { tag: text("tag") });
    case "subscriber_status_changed":
      return t("told_status", { old: word("status", text("old_status")), new: word("status", text("new_status")) });
    default: return event.event_type;
  }
}

function Detail({ event }: { event: Schemas["Event"] }) {
  const t = useTexts();
  const changes = Object.entries((event.data.changes ?? {}) as Record<string, Change>);
  return (
    <Stack gap={4}>
      <Text size="sm" component="span">
        <Moment at={event.timestamp} />{" · "}
        <Link className="link within" to="/events" search={{ entry: event.id }}>{t("open_event")}</Link>
      </Text>
      {changes.length > 0 && (
        <Table.ScrollContainer minWidth={280} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t("told_updated") } }}>
          <Table verticalSpacing={4} fz="sm">
            <Table.Thead><Table.Tr><Table.Th>{t("field")}</Table.Th><Table.Th>{t("before")}</Table.Th><Table.Th>{t("after")}</Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>{changes.map(([name, change]) => <Changed key={name} name={name} change={change} />)}</Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}

interface Change {
  old: unknown;
  new: unknown;
}

function Changed({ name, change }: { name: string; change: Change }) {
  const word = useWord();
  const t = useTexts();
  const lists = useLists().data;
  const fields = useCustomFields().data;
  const own = name.replace(/^custom_fields\./, "");
  const label = name === "lists" ? t("lists") : own === name ? word("field", name) : (fields?.find((field) => field.name === own)?.label ?? own);
  const shown = (value: unknown) => {
    if (value === null || value === undefined) return "—";
    if (name === "lists" && Array.isArray(value)) return value.map((id) => listName(lists, Number(id))).join(", ") || "—";
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  return (
    <Table.Tr>
      <Table.Td>{label}</Table.Td>
      <Table.Td className="wrapping">{shown(change.old)}</Table.Td>
      <Table.Td className="wrapping">{shown(change.new)}</Table.Td>
    </Table.Tr>
  );
}
