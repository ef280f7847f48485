import { Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api } from "../api/client";
import { Page } from "../components/Page";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useTexts } from "../texts";
import { FailingNow } from "./FailingNow";
import { FirstSteps } from "./FirstSteps";
import { Health } from "./Health";
import { Hours } from "./Hours";
import { failing, received, sent } from "./overview";
import { Tasks } from "./Tasks";

/** The most webhooks of a side that the API gives at once, and counts at once. */
const MOST = 200;
/** How often it is asked for again, in milliseconds. */
const REFRESH = 10_000;

export function HomePage() {
  const t = useTexts();
  const query = { limit: MOST };
  const incoming = useQuery({ queryKey: ["incoming", "home"], queryFn: () => answer(api.GET("/incoming-webhooks", { params: { query } })) });
  const outgoing = useQuery({ queryKey: ["outgoing", "home"], queryFn: () => answer(api.GET("/outgoing-webhooks", { params: { query } })), refetchInterval: REFRESH });
  const stats = useQuery({ queryKey: ["stats", "home"], queryFn: () => answer(api.GET("/stats")), refetchInterval: REFRESH });
  const broken = [incoming, outgoing, stats].find((question) => question.isError && !question.data);
  if (broken) return <Page title={t("home")}><Trouble error={broken.error} retry={() => void broken.refetch()} /></Page>;
  if (!incoming.data || !outgoing.data || !stats.data) return <Page title={t("home")} about={t("home_about")}><Waiting lines={5} height={88} /></Page>;
  const ins = received(stats.data);
  const outs = sent(stats.data);
  const webhooks = [...incoming.data.data, ...outgoing.data.data];
  const [hasIncoming, hasOutgoing] = [incoming.data.data.length > 0, outgoing.data.data.length > 0];
  return (
    <Page title={t("home")} about={t("home_about")}>
      {!(hasIncoming && hasOutgoing) && <FirstSteps hasIncoming={hasIncoming} hasOutgoing={hasOutgoing} hasReceived={ins.received > 0} />}
      {(hasIncoming || hasOutgoing) && (
        <>
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <Paper withBorder p="lg">
              <Numbers title={t("in_24h")} to="/incoming" good={{ name: t("received"), value: ins.received }} bad={{ name: t("status_failed"), value: ins.failed }} />
              <Hours hours={ins.hours} good={t("status_processed")} bad={t("status_failed")} label={t("in_label", { received: ins.received, failed: ins.failed })} />
            </Paper>
            <Paper withBorder p="lg">
              <Numbers title={t("out_24h")} to="/outgoing" good={{ name: t("status_delivered"), value: outs.delivered }} bad={{ name: t("status_failed"), value: outs.failed }} />
              <Hours hours={outs.hours} good={t("status_delivered")} bad={t("status_failed")} label={t("out_label", { delivered: outs.delivered, failed: outs.failed })} />
            </Paper>
          </SimpleGrid>
          <FailingNow
            failing={failing(stats.data)} names={new Map(webhooks.map(({ id, name }) => [id, name]))}
            switchedOff={outgoing.data.data.filter(({ status, disabled_reason }) => status === "inactive" && disabled_reason)}
          />
        </>
      )}
      <Tasks />
      <Health />
    </Page>
  );
}

interface Number {
  name: string;
  value: number;
}

function Numbers({ title, to, good, bad }: { title: string; to: "/incoming" | "/outgoing"; good: Number; bad: Number }) {
  return (
    <Stack gap="xs" mb="sm">
      <Title order={2} size="h4"><Link className="link" to={to}>{title}</Link></Title>
      <SimpleGrid cols={2}>
        {[good, bad].map(({ name, value }) => (
          <div key={name}><Text size="sm" c="dimmed">{name}</Text><Text size="xl" fw={650}>{value}</Text></div>
        ))}
      </SimpleGrid>
    </Stack>
  );
}
