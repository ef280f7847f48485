import { Stack, Text, UnstyledButton } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { Listing } from "../components/Listing";
import { Moment, StatusBadge } from "../components/small";
import { useTexts } from "../texts";
import { DeliveryDrawer } from "./DeliveryDrawer";
import { FilterBar } from "./FilterBar";
import type { LogFilters } from "./filters";
import { useLive } from "./live";
import { ExportMenu } from "./RequestLog";

const STATUSES = ["pending", "delivered", "retrying", "failed", "cancelled"] as const;

/** What one webhook sent, or is to send. */
export function DeliveryLog({ webhookId }: { webhookId: string }) {
  const t = useTexts();
  const navigate = useNavigate();
  const { tab, ...filters } = useSearch({ from: "/inside/outgoing/$id" });
  const change = (changed: LogFilters) =>
    void navigate({ to: "/outgoing/$id", params: { id: webhookId }, search: { tab, ...filters, ...changed }, replace: !("entry" in changed) });
  const { refresh, button } = useLive();
  const { entry, ...wanted } = filters;
  return (
    <Stack>
      <FilterBar filters={filters} statuses={STATUSES} onChange={change}>
        {button}
        <ExportMenu path={`/outgoing-webhooks/${webhookId}/deliveries/export`} filters={wanted} />
      </FilterBar>
      <Listing
        label={t("tab_log")}
        queryKey={["outgoing", webhookId, "deliveries", wanted]}
        load={(cursor) =>
          answer(api.GET("/outgoing-webhooks/{id}/deliveries", {
            params: { path: { id: webhookId }, query: { ...wanted, status: STATUSES.filter((name) => name === wanted.status), cursor } },
          }))
        }
        rowKey={({ id }) => id}
        refresh={refresh}
        empty={{ title: t("deliveries_empty"), advice: t("deliveries_empty_advice") }}
        columns={[
          { title: t("created"), cell: ({ id, created_at }) => (
            <UnstyledButton className="link" onClick={() => change({ entry: id })}><Moment at={created_at} /></UnstyledButton>
          ) },
          { title: t("status"), cell: ({ status }) => <StatusBadge status={status} /> },
          { title: t("event"), cell: ({ event_type, test }) => <Text size="sm" ff="monospace">{event_type}{test && ` (${t("test")})`}</Text> },
          { title: t("answered"), cell: ({ attempts }) => lastAnswer(attempts) },
          { title: t("attempts"), cell: ({ attempts }) => attempts.length },
        ]}
      />
      <DeliveryDrawer id={entry} onClose={() => change({ entry: undefined })} />
    </Stack>
  );
}

function lastAnswer(attempts: Schemas["Attempt"][]): string {
  const last = attempts.at(-1);
  return last ? `${last.http_status ?? last.error_code ?? "—"} · ${last.duration_ms} ms` : "—";
}
