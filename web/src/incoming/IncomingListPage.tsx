import { Box, Stack, Switch, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconPlus } from "@tabler/icons-react";
import { answer, api, type Schemas } from "../api/client";
import { Listing } from "../components/Listing";
import { MayWrite } from "../components/MayWrite";
import { Page } from "../components/Page";
import { Sparkline } from "../components/Sparkline";
import { Moment, StatusBadge } from "../components/small";
import { LinkButton } from "../components/LinkButton";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { useSetStatus } from "../components/setStatus";

type Webhook = Schemas["IncomingWebhook"];

export function IncomingListPage() {
  const t = useTexts();
  const create = <MayWrite><LinkButton to="/incoming/new" leftSection={<IconPlus size={16} />}>{t("new_incoming")}</LinkButton></MayWrite>;
  return (
    <Page title={t("incoming")} about={t("incoming_about")} actions={<><LinkButton to="/senders" variant="default">{t("senders")}</LinkButton>{create}</>}>
      <Listing
        label={t("incoming")}
        queryKey={["incoming"]}
        load={(cursor) => answer(api.GET("/incoming-webhooks", { params: { query: { cursor } } }))}
        rowKey={(webhook) => webhook.id}
        refresh={10_000}
        empty={{ title: t("incoming_none"), advice: t("incoming_none_advice"), action: create }}
        columns={[
          { title: t("name"), cell: (webhook) => <Name webhook={webhook} /> },
          { title: t("event"), cell: ({ event_type }) => <Text size="sm" ff="monospace">{event_type}</Text> },
          { title: t("last_24h"), cell: ({ id }) => <Curve id={id} /> },
          { title: t("last_received"), cell: ({ id }) => <LastReceived id={id} /> },
          { title: t("active"), cell: (webhook) => <ActiveSwitch webhook={webhook} /> },
        ]}
      />
    </Page>
  );
}

function Name({ webhook }: { webhook: Webhook }) {
  return (
    <Stack gap={0} maw={360}>
      <Link className="link" to="/incoming/$id" params={{ id: webhook.id }}>{webhook.name}</Link>
      {webhook.description && <Text size="sm" c="dimmed" lineClamp={1}>{webhook.description}</Text>}
    </Stack>
  );
}

/** The bulk statistics are asked for once for all rows. */
function useDay(id: string) {
  const stats = useQuery({ queryKey: ["stats"], queryFn: () => answer(api.GET("/stats")), refetchInterval: 10_000 });
  return stats.data?.incoming.find(({ webhook_id }) => webhook_id === id);
}

/** The height of a curve and its words, in pixels. */
const CURVE = 44;

function Curve({ id }: { id: string }) {
  const t = useTexts();
  const day = useDay(id);
  // As high as with it, or rows would move under the pointer when it comes.
  if (!day) return <Box h={CURVE} />;
  const failed = day.failed + day.rejected;
  const points = day.series.map((hour) => ({ good: hour.received - hour.failed - hour.rejected, bad: hour.failed + hour.rejected }));
  return (
    <Stack gap={2} mih={CURVE}>
      <Sparkline points={points} label={t("received_and_failed", { received: day.received, failed })} />
      <Text size="xs" c="dimmed" aria-hidden>{t("received_and_failed", { received: day.received, failed })}</Text>
    </Stack>
  );
}

function LastReceived({ id }: { id: string }) {
  const t = useTexts();
  const day = useDay(id);
  if (!day) return null;
  if (!day.last_received_at) return <Text size="sm" c="dimmed">{t("not_lately")}</Text>;
  return <Moment at={day.last_received_at} />;
}

/** Off is paused, not inactive: what comes meanwhile is kept, so that nothing is lost by a slip. */
function ActiveSwitch({ webhook }: { webhook: Webhook }) {
  const t = useTexts();
  const may = useMay();
  const change = useSetStatus("incoming", webhook);
  const active = (change.isPending ? change.variables : webhook.status) === "active";
  if (!may("write")) return <StatusBadge status={webhook.status} />;
  return (
    <Switch
      checked={active} onChange={(event) => change.mutate(event.currentTarget.checked ? "active" : "paused")}
      aria-label={t("active_named", { name: webhook.name })}
    />
  );
}
