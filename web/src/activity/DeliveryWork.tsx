import { Alert, Button, Menu } from "@mantine/core";
import { IconBan, IconChevronDown, IconHistory, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { MayWrite } from "../components/MayWrite";
import { useTexts } from "../texts";
import { ExportItems } from "./ExportItems";
import { deliveryQuery, deliverySelection, narrowed, type Filters } from "./filters";
import { Replay } from "./Replay";
import { sizeOf, taskOr, WorkModal, type Work } from "./WorkModal";

interface DeliveryWorkProps {
  webhookId: string;
  filters: Filters;
  onCleared: () => void;
}

type Kind = "retry" | "cancel" | "clear";

/** What can be done with all that the filters take. */
export function DeliveryWork({ webhookId, filters, onCleared }: DeliveryWorkProps) {
  const t = useTexts();
  const [chosen, choose] = useState<Kind | "replay" | null>(null);
  const path = { id: webhookId };
  const selection = deliverySelection(filters);
  const works: Record<Kind, Work> = {
    retry: {
      title: t("send_many_again"), about: filters.status ? t("send_many_again_about") : t("send_failed_again_about"), doIt: (n) => t("send_n_again", { n }), of: selection, paced: true,
      count: async () => sizeOf(await answer(api.POST("/outgoing-webhooks/{id}/deliveries/retry", { params: { path }, body: { ...selection, dry_run: true } }))),
      run: async (per_second) => taskOr(await answer(api.POST("/outgoing-webhooks/{id}/deliveries/retry", { params: { path }, body: { ...selection, per_second } }))),
    },
    cancel: {
      title: t("cancel_waiting"), about: t("cancel_waiting_about"), doIt: (n) => t("cancel_n", { n }), of: selection, dangerous: true,
      count: async () => sizeOf(await answer(api.POST("/outgoing-webhooks/{id}/deliveries/cancel", { params: { path }, body: { ...selection, dry_run: true } }))),
      run: async () => taskOr(await answer(api.POST("/outgoing-webhooks/{id}/deliveries/cancel", { params: { path }, body: selection }))),
    },
    clear: {
      title: t("clear_log"), about: narrowed(filters).length > 0 ? t("clear_filtered_about") : t("clear_deliveries_about"), doIt: (n) => t("remove_n", { n }), of: filters, dangerous: true,
      count: async () => sizeOf(await answer(api.DELETE("/outgoing-webhooks/{id}/deliveries", { params: { path, query: { ...deliveryQuery(filters), dry_run: true } } }))),
      run: async () => taskOr(await answer(api.DELETE("/outgoing-webhooks/{id}/deliveries", { params: { path, query: deliveryQuery(filters) } }))),
    },
  };
  const close = () => choose(null);
  const work = chosen === null || chosen === "replay" ? null : works[chosen];
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target><Button variant="default" rightSection={<IconChevronDown size={16} />}>{t("with_these")}</Button></Menu.Target>
        <Menu.Dropdown>
          <MayWrite>
            <Menu.Item leftSection={<IconRefresh size={16} />} onClick={() => choose("retry")}>{t("send_many_again")}…</Menu.Item>
            <Menu.Item leftSection={<IconHistory size={16} />} onClick={() => choose("replay")}>{t("replay")}…</Menu.Item>
            <Menu.Item leftSection={<IconBan size={16} />} onClick={() => choose("cancel")}>{t("cancel_waiting")}…</Menu.Item>
            <Menu.Divider />
          </MayWrite>
          <ExportItems path={`/outgoing-webhooks/${webhookId}/deliveries/export`} filters={filters} />
          <MayWrite>
            <Menu.Divider />
            <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => choose("clear")}>{t("clear_log")}…</Menu.Item>
          </MayWrite>
        </Menu.Dropdown>
      </Menu>
      <WorkModal webhookId={webhookId} work={work} onClose={close} onDone={chosen === "clear" ? onCleared : undefined}>
        {filters.test !== undefined && chosen !== "clear" && <Alert color="yellow">{t("tests_not_told_apart")}</Alert>}
      </WorkModal>
      <Replay webhookId={webhookId} opened={chosen === "replay"} onClose={close} />
    </>
  );
}
