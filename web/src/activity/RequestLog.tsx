import { Button, Menu, Stack, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconChevronDown, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { MayWrite } from "../components/MayWrite";
import { StatusBadge } from "../components/small";
import { useTexts, useWord } from "../texts";
import { ExportItems } from "./ExportItems";
import { FilterBar } from "./FilterBar";
import { narrowed, REQUEST_STATUSES, requestQuery, type Filters, type LogFilters } from "./filters";
import { LiveButton } from "./live";
import { LogTable } from "./LogTable";
import { RequestDrawer } from "./RequestDrawer";
import { requestSource } from "./requestRows";
import { TaskProgress } from "./TaskProgress";
import { useLog } from "./useLog";
import { sizeOf, taskOr, WorkModal, type Work } from "./WorkModal";

/** What came in to one webhook. */
export function RequestLog({ webhookId }: { webhookId: string }) {
  const t = useTexts();
  const word = useWord();
  const navigate = useNavigate();
  const { tab, entry, ...filters } = useSearch({ from: "/inside/incoming/$id" });
  const go = (search: LogFilters, replace = false) => void navigate({ to: "/incoming/$id", params: { id: webhookId }, search: { tab, ...search }, replace });
  // Each letter of a search is no step to go back to.
  const narrow = (changed: Filters) => go({ ...filters, ...changed }, "q" in changed && filters.q !== undefined);
  const open = (id: string | undefined) => go({ ...filters, entry: id });
  const [paused, setPaused] = useState(false);
  const log = useLog(requestSource(webhookId, filters), paused);
  return (
    <Stack>
      <FilterBar filters={filters} statuses={REQUEST_STATUSES} more={["event_type", "sender_ip"]} onChange={narrow}>
        <LiveButton state={log.state} onPause={setPaused} />
        <RequestWork webhookId={webhookId} filters={filters} onCleared={() => void log.reload()} />
      </FilterBar>
      <TaskProgress webhookId={webhookId} onCleared={() => void log.reload()} />
      <LogTable
        label={t("tab_log")} log={log} opened={entry}
        opening={({ event_type, status }) => `${event_type} ${word("status", status)}`} onOpen={({ id }) => open(id)}
        empty={narrowed(filters).length > 0 ? { title: t("log_filtered"), advice: t("log_filtered_advice") } : { title: t("log_empty"), advice: t("log_empty_advice") }}
        columns={[
          { title: t("received"), width: "minmax(110px, 1fr)", cell: () => null },
          { title: t("status"), width: "minmax(120px, 1fr)", cell: ({ status }) => <StatusBadge status={status} /> },
          { title: t("event"), width: "minmax(90px, 2fr)", cell: ({ event_type }) => <Text size="sm" ff="monospace" truncate>{event_type}</Text> },
          { title: t("answered"), width: "90px", wide: true, cell: ({ answered }) => <Text size="sm">{answered}</Text> },
          { title: t("sender_ip"), width: "minmax(110px, 1fr)", wide: true, cell: ({ sender_ip }) => <Text size="sm" truncate>{sender_ip}</Text> },
        ]}
      />
      <RequestDrawer id={entry} onClose={() => open(undefined)} onOpen={open} />
    </Stack>
  );
}

/** What can be done with all that the filters take. */
function RequestWork({ webhookId, filters, onCleared }: { webhookId: string; filters: Filters; onCleared: () => void }) {
  const t = useTexts();
  const [chosen, choose] = useState<"retry" | "clear" | null>(null);
  const path = { id: webhookId };
  const selection = requestQuery(filters);
  const works: Record<"retry" | "clear", Work> = {
    retry: {
      title: t("run_many_again"), about: filters.status ? t("run_many_again_about") : t("run_failed_again_about"), doIt: (n) => t("run_n_again", { n }), of: selection, paced: true,
      count: async () => sizeOf(await answer(api.POST("/incoming-webhooks/{id}/requests/retry", { params: { path }, body: { ...selection, dry_run: true } }))),
      run: async (per_second) => taskOr(await answer(api.POST("/incoming-webhooks/{id}/requests/retry", { params: { path }, body: { ...selection, per_second } }))),
    },
    clear: {
      title: t("clear_log"), about: narrowed(filters).length > 0 ? t("clear_filtered_about") : t("clear_log_question"), doIt: (n) => t("remove_n", { n }), of: selection, dangerous: true,
      count: async () => sizeOf(await answer(api.DELETE("/incoming-webhooks/{id}/requests", { params: { path, query: { ...requestQuery(filters), dry_run: true } } }))),
      run: async () => taskOr(await answer(api.DELETE("/incoming-webhooks/{id}/requests", { params: { path, query: requestQuery(filters) } }))),
    },
  };
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target><Button variant="default" rightSection={<IconChevronDown size={16} />}>{t("with_these")}</Button></Menu.Target>
        <Menu.Dropdown>
          <MayWrite>
            <Menu.Item leftSection={<IconRefresh size={16} />} onClick={() => choose("retry")}>{t("run_many_again")}…</Menu.Item>
            <Menu.Divider />
          </MayWrite>
          <ExportItems path={`/incoming-webhooks/${webhookId}/requests/export`} filters={filters} />
          <MayWrite>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => choose("clear")}>{t("clear_log")}…</Menu.Item>
          </MayWrite>
        </Menu.Dropdown>
      </Menu>
      <WorkModal webhookId={webhookId} work={chosen && works[chosen]} onClose={() => choose(null)} onDone={chosen === "clear" ? onCleared : undefined} />
    </>
  );
}
