import { Group, Stack, Switch, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { LinkButton } from "../components/LinkButton";
import { Listing } from "../components/Listing";
import { MayWrite } from "../components/MayWrite";
import { Page } from "../components/Page";
import { Sparkline } from "../components/Sparkline";
import { Moment, StatusBadge } from "../components/small";
import { useTexts } from "../texts";
import type { OutgoingWebhook } from "./form";
import { HealthBadge } from "./Health";
import { useSetStatus } from "../components/setStatus";
import { percent, rateOf, useOverview, type OutgoingStats } from "./stats";

export function OutgoingListPage() {
  const t = useTexts();
  const [ids, setIds] = useState<string[]>([]);
  const overview = useOverview(ids);
  const stats = new Map<string, OutgoingStats>(overview.data?.outgoing.map((stats) => [stats.webhook_id, stats]));
  const create = <MayWrite><LinkButton to="/outgoing/new" leftSection={<IconPlus size={16} />}>{t("new_outgoing")}</LinkButton></MayWrite>;
  const load = async (cursor: string | undefined) => {
    const page = await answer(api.GET("/outgoing-webhooks", { params: { query: { cursor } } }));
    setIds((before) => [...new Set([...before, ...page.data.map(({ id }) => id)])].slice(0, MOST));
    return page;
  };
  return (
    <Page title={t("outgoing")} about={t("outgoing_about")} actions={create}>
      <Listing
        label={t("outgoing")}
        queryKey={["outgoing"]}
        load={load}
        rowKey={({ id }) => id}
        refresh={10_000}
        empty={{ title: t("outgoing_none"), advice: t("outgoing_none_advice"), action: create }}
        columns={[
          { title: t("name"), cell: ({ id, name, url }) => (
            <Stack gap={0} maw={320}>
              <Link className="link" to="/outgoing/$id" params={{ id }}>{name}</Link>
              <Text size="sm" c="dimmed" truncate>{url}</Text>
            </Stack>
          ) },
          { title: t("status"), cell: (webhook) => <Sending webhook={webhook} /> },
          { title: t("success_rate"), cell: ({ id }) => percent(rateOf(stats.get(id) ?? { delivered: 0, failed: 0 })) },
          { title: t("average_time"), cell: ({ id }) => <Average stats={stats.get(id)} /> },
          { title: t("last_delivery"), cell: ({ id }) => <Last stats={stats.get(id)} /> },
          { title: t("last_day"), cell: ({ id }) => <Hours stats={stats.get(id)} /> },
        ]}
      />
    </Page>
  );
}

/** The most that are asked for at once. */
const MOST = 200;

/** Whether it sends, and whether that goes well. */
function Sending({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const active = webhook.status === "active";
  const change = useSetStatus("outgoing", webhook);
  return (
    <Group gap="sm" wrap="nowrap">
      <MayWrite><Switch aria-label={t("switch_on", { name: webhook.name })} checked={active} disabled={change.isPending} onChange={() => change.mutate(active ? "paused" : "active")} /></MayWrite>
      {active || webhook.health.state === "disabled" ? <HealthBadge health={webhook.health} /> : <StatusBadge status={webhook.status} />}
    </Group>
  );
}

function Average({ stats }: { stats: OutgoingStats | undefined }) {
  const t = useTexts();
  const n = stats?.average_response_ms;
  return <Text size="sm">{n === undefined || n === null ? "—" : t("milliseconds", { n })}</Text>;
}

function Last({ stats }: { stats: OutgoingStats | undefined }) {
  const last = stats?.last_delivery;
  if (!last) return <Moment at={null} />;
  return (
    <Stack gap={4} align="flex-start">
      <Group gap={6} wrap="nowrap"><StatusBadge status={last.status} />{last.http_status && <Text size="sm">{last.http_status}</Text>}</Group>
      <Moment at={last.at} />
    </Stack>
  );
}

/** The last hours; what failed stands above what arrived. */
function Hours({ stats }: { stats: OutgoingStats | undefined }) {
  const t = useTexts();
  if (!stats) return null;
  const points = stats.series.map(({ delivered, failed }) => ({ good: delivered, bad: failed }));
  return <Sparkline points={points} label={t("bars_label", { delivered: stats.delivered, failed: stats.failed })} />;
}
