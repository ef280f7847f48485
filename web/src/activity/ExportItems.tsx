import { Menu } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { BASE } from "../api/client";
import { useTexts } from "../texts";
import { FILTERS, type Filters } from "./filters";

/** Links to the server's own export, which streams: nothing of it is held in the page. */
export function ExportItems({ path, filters }: { path: string; filters: Filters }) {
  const t = useTexts();
  return (
    <>
      <Menu.Item component="a" href={exportLink(path, filters, "csv")} download leftSection={<IconDownload size={16} />}>{t("export_csv")}</Menu.Item>
      <Menu.Item component="a" href={exportLink(path, filters, "ndjson")} download leftSection={<IconDownload size={16} />}>{t("export_ndjson")}</Menu.Item>
    </>
  );
}

export function exportLink(path: string, filters: Filters, format: "csv" | "ndjson"): string {
  const query = new URLSearchParams({ format });
  for (const name of FILTERS) {
    const value = filters[name];
    if (value !== undefined) query.set(name, value);
  }
  return `${BASE}${path}?${query}`;
}
