import { Button, Menu, Stack, Text, UnstyledButton } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { answer, api, BASE } from "../api/client";
import { ConfirmButton } from "../components/ConfirmButton";
import { Listing } from "../components/Listing";
import { Moment, StatusBadge } from "../components/small";
import { tellTrouble } from "../components/tell";
import { useTexts } from "../texts";
import { FilterBar } from "./FilterBar";
import { LOG_FILTERS, type LogFilters } from "./filters";
import { useLive } from "./live";
import { RequestDrawer } from "./RequestDrawer";

const STATUSES = ["processed", "accepted", "ignored", "failed", "rejected", "retrying"] as const;

/** What came in to one webhook. */
export function RequestLog({ webhookId }: { webhookId: string }) {
  const t = useTexts();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { tab, ...filters } = useSearch({ from: "/inside/incoming/$id" });
  const change = (changed: LogFilters) =>
    void navigate({ to: "/incoming/$id", params: { id: webhookId }, search: { tab, ...filters, ...changed }, replace: !("entry" in changed) });
  const { refresh, button } = useLive();
  const params = { path: { id: webhookId } };
  const clear = useMutation({
    mutationFn: () => answer(api.DELETE("/incoming-webhooks/{id}/requests", { params })),
    onError: tellTrouble,
    onSettled: () => client.invalidateQueries({ queryKey: ["incoming", webhookId] }),
  });
  const { entry, ...wanted } = filters;
  return (
    <Stack>
      <FilterBar filters={filters} statuses={STATUSES} onChange={change}>
        {button}
        <ExportMenu path={`/incoming-webhooks/${webhookId}/requests/export`} filters={wanted} />
        <ConfirmButton label={t("clear_log")} question={t("clear_log_question")} onConfirm={() => clear.mutate()} />
      </FilterBar>
      <Listing
        label={t("tab_log")}
        queryKey={["incoming", webhookId, "requests", wanted]}
        load={(cursor) =>
          answer(api.GET("/incoming-webhooks/{id}/requests", { params: { ...params, query: { ...wanted, status: STATUSES.filter((name) => name === wanted.status), cursor } } }))
        }
        rowKey={({ id }) => id}
        refresh={refresh}
        empty={{ title: t("log_empty"), advice: t("log_empty_advice") }}
        columns={[
          { title: t("received"), cell: ({ id, received_at }) => (
            <UnstyledButton className="link" onClick={() => change({ entry: id })}><Moment at={received_at} /></UnstyledButton>
          ) },
          { title: t("status"), cell: ({ status }) => <StatusBadge status={status} /> },
          { title: t("event"), cell: ({ event_type }) => <Text size="sm" ff="monospace">{event_type}</Text> },
          { title: t("answered"), cell: ({ response }) => response.status },
          { title: t("sender_ip"), cell: ({ sender_ip }) => <Text size="sm">{sender_ip}</Text> },
        ]}
      />
      <RequestDrawer id={entry} onClose={() => change({ entry: undefined })} />
    </Stack>
  );
}

/** Links to the server's own export, which streams: nothing of it is held in the page. */
export function ExportMenu({ path, filters }: { path: string; filters: LogFilters }) {
  const t = useTexts();
  const link = (format: string) => {
    const given = LOG_FILTERS.flatMap((name) => (filters[name] ? [[name, filters[name]]] : []));
    return `${BASE}${path}?${new URLSearchParams([["format", format], ...given] as string[][])}`;
  };
  return (
    <Menu>
      <Menu.Target><Button variant="default">{t("export")}</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={link("csv")} download>CSV</Menu.Item>
        <Menu.Item component="a" href={link("ndjson")} download>NDJSON</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
