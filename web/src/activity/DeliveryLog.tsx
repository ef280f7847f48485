import { Stack, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { StatusBadge } from "../components/small";
import { useTexts, useWord } from "../texts";
import { DeliveryDrawer } from "./DeliveryDrawer";
import { deliverySource } from "./deliveryRows";
import { DeliveryWork } from "./DeliveryWork";
import { FilterBar } from "./FilterBar";
import { DELIVERY_STATUSES, narrowed, type Filters, type LogFilters } from "./filters";
import { LiveButton } from "./live";
import { LogTable } from "./LogTable";
import { TaskProgress } from "./TaskProgress";
import { useLog } from "./useLog";

/** What one webhook sent, or is to send. */
export function DeliveryLog({ webhookId }: { webhookId: string }) {
  const t = useTexts();
  const word = useWord();
  const navigate = useNavigate();
  const { tab, entry, ...filters } = useSearch({ from: "/inside/outgoing/$id" });
  const go = (search: LogFilters, replace = false) => void navigate({ to: "/outgoing/$id", params: { id: webhookId }, search: { tab, ...search }, replace });
  // Each letter of a search is no step to go back to.
  const narrow = (changed: Filters) => go({ ...filters, ...changed }, "q" in changed && filters.q !== undefined);
  const open = (id: string | undefined) => go({ ...filters, entry: id });
  const [paused, setPaused] = useState(false);
  const log = useLog(deliverySource(webhookId, filters), paused);
  return (
    <Stack>
      <FilterBar filters={filters} statuses={DELIVERY_STATUSES} more={["event_type", "http_status", "error_code", "test"]} onChange={narrow}>
        <LiveButton state={log.state} onPause={setPaused} />
        <DeliveryWork webhookId={webhookId} filters={filters} onCleared={() => void log.reload()} />
      </FilterBar>
      <TaskProgress webhookId={webhookId} onCleared={() => void log.reload()} />
      <LogTable
        label={t("tab_log")} log={log} opened={entry}
        opening={({ event_type, status }) => `${event_type} ${word("status", status)}`} onOpen={({ id }) => open(id)}
        empty={narrowed(filters).length > 0 ? { title: t("log_filtered"), advice: t("log_filtered_advice") } : { title: t("deliveries_empty"), advice: t("deliveries_empty_advice") }}
        columns={[
          { title: t("created"), width: "minmax(110px, 1fr)", cell: () => null },
          { title: t("status"), width: "minmax(120px, 1fr)", cell: ({ status }) => <StatusBadge status={status} /> },
          { title: t("event"), width: "minmax(90px, 2fr)", cell: ({ event_type, test }) => <Text size="sm" ff="monospace" truncate>{event_type}{test && ` (${t("test")})`}</Text> },
          { title: t("answered"), width: "minmax(130px, 1fr)", wide: true, cell: ({ answered, millis }) => (
            <Text size="sm" truncate>{answered ?? "—"}{millis !== undefined && ` · ${t("milliseconds", { n: millis })}`}</Text>
          ) },
          { title: t("attempts"), width: "90px", wide: true, cell: ({ attempts }) => <Text size="sm">{attempts}</Text> },
        ]}
      />
      <DeliveryDrawer id={entry} onClose={() => open(undefined)} onOpen={open} />
    </Stack>
  );
}
