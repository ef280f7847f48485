import { Alert, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api } from "../api/client";
import { LinkButton } from "../components/LinkButton";
import { Page } from "../components/Page";
import { Moment, StatusBadge } from "../components/small";
import { Trouble } from "../components/Trouble";
import { Bars, Figure } from "../outgoing/StatsPanel";
import { useTexts } from "../texts";
import { addedUp } from "./totals";

/** How many webhooks of either side are looked at. */
const SHOWN = 20;
const REFRESH = 10_000;

export function HomePage() {
  const t = useTexts();
  const incoming = useQuery({ queryKey: ["incoming", "home"], queryFn: () => answer(api.GET("/incoming-webhooks", { params: { query: { limit: SHOWN } } })) });
  const outgoing = useQuery({ queryKey: ["outgoing", "home"], queryFn: () => answer(api.GET("/outgoing-webhooks", { params: { query: { limit: SHOWN } } })) });
  if (incoming.isError) return <Trouble error={incoming.error} retry={() => void incoming.refetch()} />;
  if (outgoing.isError) return <Trouble error={outgoing.error} retry={() => void outgoing.refetch()} />;
  if (!incoming.data || !outgoing.data) return null;
  const isNew = incoming.data.data.length === 0 || outgoing.data.data.length === 0;
  return (
    <Page title={t("home")} about={t("home_about")}>
      {isNew && <FirstSteps hasIncoming={incoming.data.data.length > 0} hasOutgoing={outgoing.data.data.length > 0} />}
      {outgoing.data.data.length > 0 && <Sent webhooks={outgoing.data.data} />}
      {incoming.data.data.length > 0 && <Received webhooks={incoming.data.data} />}
    </Page>
  );
}

function FirstSteps({ hasIncoming, hasOutgoing }: { hasIncoming: boolean; hasOutgoing: boolean }) {
  const t = useTexts();
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Title order={2} size="h4">{t("first_steps")}</Title>
        <Step number={1} done={hasIncoming} text={t("step_incoming")} to="/incoming/new" label={t("new_incoming")} />
        <Step number={2} done={hasOutgoing} text={t("step_outgoing")} to="/outgoing/new" label={t("new_outgoing")} />
        <Text size="sm" c="dimmed">{t("step_watch")}</Text>
      </Stack>
    </Paper>
  );
}

function Step({ number, done, text, to, label }: { number: number; done: boolean; text: string; to: "/incoming/new" | "/outgoing/new"; label: string }) {
  return (
    <Group justify="space-between">
      <Text flex={1} miw={200}>{number}. {text}</Text>
      {done ? <StatusBadge status="done" /> : <LinkButton to={to}>{label}</LinkButton>}
    </Group>
  );
}

type Named = { id: string; name: string };

function Sent({ webhooks }: { webhooks: Named[] }) {
  const t = useTexts();
  const stats = useQueries({
    queries: webhooks.map(({ id }) => ({
      queryKey: ["outgoing", id, "stats", "24h"],
      queryFn: () => answer(api.GET("/outgoing-webhooks/{id}/stats", { params: { path: { id }, query: { window: "24h" as const } } })),
      refetchInterval: REFRESH,
    })),
  });
  const known = stats.flatMap(({ data }) => (data ? [data] : []));
  const failing = webhooks.filter((_, index) => (stats[index]?.data?.failed ?? 0) > 0);
  const total = addedUp(known);
  return (
    <Stack>
      <Title order={2} size="h4">{t("sent_24h")}</Title>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure name={t("status_delivered")} value={total.delivered} />
        <Figure name={t("waiting")} value={total.waiting} />
        <Figure name={t("status_failed")} value={total.failed} />
      </SimpleGrid>
      <Paper withBorder p="md"><Bars series={total.series} /></Paper>
      {failing.map(({ id, name }) => (
        <Alert key={id} color="red" title={t("failing", { name })}>
          <Link className="link" to="/outgoing/$id" params={{ id }} search={{ tab: "log", status: "failed" }}>{t("see_what_failed")}</Link>
        </Alert>
      ))}
    </Stack>
  );
}

function Received({ webhooks }: { webhooks: Named[] }) {
  const t = useTexts();
  const last = useQueries({
    queries: webhooks.map(({ id }) => ({
      queryKey: ["incoming", id, "last"],
      queryFn: async () => (await answer(api.GET("/incoming-webhooks/{id}/requests", { params: { path: { id }, query: { limit: 1 } } }))).data[0] ?? null,
      refetchInterval: REFRESH,
    })),
  });
  return (
    <Paper withBorder p="lg">
      <Stack gap="sm">
        <Title order={2} size="h4">{t("last_received")}</Title>
        {webhooks.map(({ id, name }, index) => {
          const request = last[index]?.data;
          return (
            <Group key={id} justify="space-between">
              <Link className="link" to="/incoming/$id" params={{ id }} search={{ tab: "log" }}>{name}</Link>
              {request ? <Group gap="xs"><StatusBadge status={request.status} /><Moment at={request.received_at} /></Group> : <Text size="sm" c="dimmed">{t("never")}</Text>}
            </Group>
          );
        })}
      </Stack>
    </Paper>
  );
}
