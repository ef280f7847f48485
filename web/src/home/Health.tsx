import { Alert, Group, Paper, SimpleGrid, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { LinkButton } from "../components/LinkButton";
import { sizeOf } from "../components/sizes";
import { StatusBadge } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useLanguage, useTexts } from "../texts";
import { remarksOf } from "./health";

/** How often it is asked for, in milliseconds. */
const REFRESH = 15_000;

/** How the server is doing, and what to do if it does not do well. */
export function Health() {
  const t = useTexts();
  const health = useQuery({
    queryKey: ["health"],
    queryFn: async () => {
      const told = await answer(api.GET("/health"));
      return { told, here: Date.now() };
    },
    refetchInterval: REFRESH,
    retry: false,
  });
  const isWell = !health.isError;
  return (
    <Paper withBorder p="lg">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">{t("health")}</Title>
          {!health.isPending && <StatusBadge status={isWell ? "ready" : "not_ready"} />}
        </Group>
        {health.isPending && <Skeleton height={48} />}
        {health.isError && (
          <>
            <Trouble error={health.error} retry={() => void health.refetch()} />
            <Text size="sm">{t("health_not_ready")}</Text>
          </>
        )}
        {isWell && health.data && <Told health={health.data.told} here={health.data.here} />}
      </Stack>
    </Paper>
  );
}

function Told({ health, here }: { health: Schemas["ServerHealth"]; here: number }) {
  const t = useTexts();
  const language = useLanguage();
  const { version, database, nodes, waiting } = health;
  const number = (n: number) => n.toLocaleString(language);
  const facts: [string, string][] = [
    [t("health_waiting_requests"), number(waiting.requests)],
    [t("health_waiting_deliveries"), number(waiting.deliveries)],
    [t(`database_${database.kind}`), sizeOf(database.size_bytes, language)],
    [t("health_nodes"), number(nodes)],
    [t("health_version"), version],
  ];
  return (
    <>
      <SimpleGrid component="dl" m={0} cols={{ base: 2, sm: 5 }}>
        {facts.map(([name, value]) => (
          <div key={name}><Text component="dt" size="sm" c="dimmed">{name}</Text><Text component="dd" m={0} fw={550}>{value}</Text></div>
        ))}
      </SimpleGrid>
      {remarksOf(health, here).map(({ text, values, to }) => (
        <Alert key={text} color="yellow">
          <Stack gap="xs" align="flex-start">
            <Text size="sm">{t(text, values)}</Text>
            {to && <LinkButton to={to} size="xs" variant="default">{t(to === "/incoming" ? "incoming" : "outgoing")}</LinkButton>}
          </Stack>
        </Alert>
      ))}
    </>
  );
}
