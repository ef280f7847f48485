import { Button, Menu, Tabs } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { answer, api, ifUnchanged, type Schemas } from "../api/client";
import { RequestLog } from "../activity/RequestLog";
import { ConfirmButton } from "../components/ConfirmButton";
import { CopyNow } from "../components/CopyNow";
import { Loaded } from "../components/Loaded";
import { MayWrite } from "../components/MayWrite";
import { Page } from "../components/Page";
import { useSaving } from "../components/saving";
import { tellTrouble } from "../components/tell";
import { useTexts } from "../texts";
import { ActionsEditor } from "./ActionsEditor";
import { MappingEditor } from "./MappingEditor";
import { incomingQuery, loadIncoming } from "./query";
import { Receiving } from "./Receiving";
import { SecurityForm } from "./SecurityForm";
import { SettingsForm } from "./SettingsForm";
import { useSetStatus } from "../components/setStatus";
import { Summary } from "./Summary";

const TABS = ["receive", "mapping", "actions", "security", "settings", "log"] as const;

export type IncomingWebhook = Schemas["IncomingWebhook"];
export type IncomingChange = Schemas["IncomingWebhookInputPatch"];

/** Changes a webhook, and shows it as it is then. */
export function useChangeIncoming(id: string) {
  return useSaving({
    queryKey: incomingQuery(id).queryKey,
    load: () => loadIncoming(id),
    save: (body: IncomingChange) =>
      answer(api.PATCH("/incoming-webhooks/{id}", { params: { path: { id } }, headers: ifUnchanged(`/incoming-webhooks/${id}`), body })),
  });
}

export function IncomingPage() {
  const { id } = useParams({ from: "/inside/incoming/$id" });
  const webhook = useQuery(incomingQuery(id));
  return <Loaded query={webhook}>{(webhook) => <Shown key={id} webhook={webhook} />}</Loaded>;
}

function Shown({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const navigate = useNavigate();
  const { tab } = useSearch({ from: "/inside/incoming/$id" });
  const open = (tab: string | null) =>
    void navigate({ to: "/incoming/$id", params: { id: webhook.id }, search: tab && tab !== "receive" ? { tab } : {} });
  return (
    <Page title={webhook.name} about={<Summary webhook={webhook} />} actions={<What webhook={webhook} />}>
      <CopyNow id={webhook.id} />
      <Tabs value={tab ?? "receive"} onChange={open} keepMounted={false}>
        <Tabs.List mb="lg">
          {TABS.map((name) => (
            <Tabs.Tab key={name} value={name}>{t(`tab_${name}`)}</Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="receive"><Receiving webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="mapping"><MappingEditor webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="actions"><ActionsEditor webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="security"><SecurityForm webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="settings"><SettingsForm webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="log"><RequestLog webhookId={webhook.id} /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function What({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const change = useSetStatus("incoming", webhook);
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/incoming-webhooks/{id}", { params: { path: { id: webhook.id } } })),
    onSuccess: () => {
      client.removeQueries({ queryKey: ["incoming", webhook.id] });
      void navigate({ to: "/incoming" });
    },
    onError: tellTrouble,
  });
  return (
    <MayWrite>
      <Menu>
        <Menu.Target><Button variant="default" loading={change.isPending}>{t("status")}</Button></Menu.Target>
        <Menu.Dropdown>
          {(["active", "paused", "inactive"] as const).map((status) => (
            <Menu.Item key={status} onClick={() => change.mutate(status)}>{t(`${status}_means`)}</Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <ConfirmButton label={t("delete")} question={t("delete_incoming_question", { name: webhook.name })} onConfirm={() => remove.mutate()} />
    </MayWrite>
  );
}
