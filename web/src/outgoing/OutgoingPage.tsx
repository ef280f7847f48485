import { Button, Group, Paper, Stack, Tabs, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { DeliveryLog } from "../activity/DeliveryLog";
import { answer, api } from "../api/client";
import { ConfirmButton } from "../components/ConfirmButton";
import { CopyNow } from "../components/CopyNow";
import { Loaded } from "../components/Loaded";
import { MayWrite } from "../components/MayWrite";
import { Page } from "../components/Page";
import { saveThen } from "../components/saving";
import { StatusBadge } from "../components/small";
import { tellTrouble } from "../components/tell";
import { useTexts } from "../texts";
import { useChangeOutgoing } from "./change";
import { differing, settingsOf, type OutgoingWebhook } from "./form";
import { HealthAlert } from "./Health";
import { OutgoingForm } from "./OutgoingForm";
import { outgoingQuery } from "./query";
import { useSetStatus } from "../components/setStatus";
import { SigningPanel } from "./SigningPanel";
import { StatsPanel } from "./StatsPanel";
import { TestPanel } from "./TestPanel";

// The editor is larger than all the rest of the page.
const PayloadBuilder = lazy(() => import("./PayloadBuilder"));

const TABS = ["settings", "payload", "test", "stats", "log"] as const;

export function OutgoingPage() {
  const { id } = useParams({ from: "/inside/outgoing/$id" });
  const webhook = useQuery(outgoingQuery(id));
  return <Loaded query={webhook}>{(webhook) => <Shown key={id} webhook={webhook} />}</Loaded>;
}

function Shown({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const navigate = useNavigate();
  const { tab } = useSearch({ from: "/inside/outgoing/$id" });
  const open = (tab: string | null) =>
    void navigate({ to: "/outgoing/$id", params: { id: webhook.id }, search: tab && tab !== "settings" ? { tab } : {} });
  const about = (
    <Stack gap={6}>
      <Group gap="xs"><StatusBadge status={webhook.status} /></Group>
      <Text size="sm" component="span" className="wrapping">{t("outgoing_summary", { events: webhook.events.join(", "), url: webhook.url })}</Text>
    </Stack>
  );
  return (
    <Page title={webhook.name} about={about} actions={<What webhook={webhook} />}>
      <CopyNow id={webhook.id} />
      <HealthAlert health={webhook.health} />
      <Tabs value={tab ?? "settings"} onChange={open} keepMounted={false}>
        <Tabs.List mb="lg">
          {TABS.map((name) => <Tabs.Tab key={name} value={name}>{t(`tab_${name}`)}</Tabs.Tab>)}
        </Tabs.List>
        <Tabs.Panel value="settings"><SettingsTab webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="payload"><Suspense><PayloadBuilder webhook={webhook} /></Suspense></Tabs.Panel>
        <Tabs.Panel value="test"><TestPanel webhook={webhook} /></Tabs.Panel>
        <Tabs.Panel value="stats"><StatsPanel id={webhook.id} /></Tabs.Panel>
        <Tabs.Panel value="log"><DeliveryLog webhookId={webhook.id} /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function SettingsTab({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const change = useChangeOutgoing(webhook.id);
  const saved = settingsOf(webhook);
  return (
    <Stack maw={760}>
      <Paper withBorder p="lg">
        <OutgoingForm
          draftKey={`outgoing/${webhook.id}/settings`} initial={saved} submit={t("save")} pending={change.isPending} error={change.error}
          onSubmit={(input, done) => saveThen(change, differing(saved, input), done)}
        />
      </Paper>
      <SigningPanel webhook={webhook} />
    </Stack>
  );
}

function What({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const change = useSetStatus("outgoing", webhook);
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/outgoing-webhooks/{id}", { params: { path: { id: webhook.id } } })),
    onSuccess: () => {
      client.removeQueries({ queryKey: ["outgoing", webhook.id] });
      void navigate({ to: "/outgoing" });
    },
    onError: tellTrouble,
  });
  const active = webhook.status === "active";
  return (
    <MayWrite>
      <Button variant="default" loading={change.isPending} onClick={() => change.mutate(active ? "paused" : "active")}>
        {active ? t("pause") : t("activate")}
      </Button>
      <ConfirmButton label={t("delete")} question={t("delete_outgoing_question", { name: webhook.name })} onConfirm={() => remove.mutate()} />
    </MayWrite>
  );
}
