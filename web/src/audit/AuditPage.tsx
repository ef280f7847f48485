import { Button, Menu, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconDownload } from "@tabler/icons-react";
import { ExportItems } from "../activity/ExportItems";
import { FilterBar } from "../activity/FilterBar";
import { narrowed, type Filters, type LogFilters } from "../activity/filters";
import { LogTable } from "../activity/LogTable";
import { useLog } from "../activity/useLog";
import { Page } from "../components/Page";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { AuditDrawer } from "./AuditDrawer";
import { auditSource } from "./auditRows";
import { useDeed, useWho } from "./words";

/** Who did what, and when. */
export function AuditPage() {
  const t = useTexts();
  const may = useMay();
  return <Page needs="admin" title={t("audit_log")} about={t("audit_about")}>{may("admin") && <Log />}</Page>;
}

function Log() {
  const t = useTexts();
  const deed = useDeed();
  const who = useWho();
  const navigate = useNavigate();
  const { entry, ...filters } = useSearch({ from: "/inside/audit-log" });
  const go = (search: LogFilters, replace = false) => void navigate({ to: "/audit-log", search, replace });
  // Each letter of a search is no step to go back to.
  const narrow = (changed: Filters) => go({ ...filters, ...changed }, "q" in changed && filters.q !== undefined);
  const open = (id: string | undefined) => go({ ...filters, entry: id });
  const log = useLog(auditSource(filters), false);
  return (
    <>
      <FilterBar filters={filters} statuses={[]} more={["actor", "action", "target"]} onChange={narrow}>
        <Menu position="bottom-end">
          <Menu.Target><Button variant="default" leftSection={<IconDownload size={16} />}>{t("audit_export")}</Button></Menu.Target>
          <Menu.Dropdown><ExportItems path="/audit-log/export" filters={filters} /></Menu.Dropdown>
        </Menu>
      </FilterBar>
      <LogTable
        label={t("audit_log")} log={log} opened={entry} opening={({ entry }) => deed(entry)} onOpen={({ id }) => open(id)}
        empty={narrowed(filters).length > 0 ? { title: t("log_filtered"), advice: t("log_filtered_advice") } : { title: t("audit_none"), advice: t("audit_about") }}
        columns={[
          { title: t("when"), width: "minmax(100px, 1fr)", cell: () => null },
          { title: t("filter_actor"), width: "minmax(90px, 1.5fr)", cell: ({ entry }) => <Text size="sm" truncate>{who(entry)}</Text> },
          { title: t("filter_action"), width: "minmax(110px, 2fr)", cell: ({ entry }) => <Text size="sm" truncate>{deed(entry)}</Text> },
          { title: t("filter_target"), width: "minmax(90px, 2fr)", wide: true, cell: ({ entry: { target } }) => <Text size="sm" truncate>{target.name ?? target.id ?? "—"}</Text> },
          { title: t("audit_address"), width: "minmax(110px, 1fr)", wide: true, cell: ({ entry }) => <Text size="sm" truncate>{entry.address ?? "—"}</Text> },
        ]}
      />
      <AuditDrawer id={entry} onClose={() => open(undefined)} />
    </>
  );
}
