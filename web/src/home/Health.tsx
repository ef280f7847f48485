import { Group, Paper, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { StatusBadge } from "../components/small";
import { useTexts } from "../texts";

/** How often it is asked for, in milliseconds. */
const REFRESH = 15_000;

/** Whether the server can serve. */
export function Health() {
  const t = useTexts();
  const ready = useQuery({
    queryKey: ["ready"],
    queryFn: async ({ signal }) => (await fetch("/readyz", { signal })).ok,
    refetchInterval: REFRESH,
    retry: false,
  });
  if (ready.isPending) return null;
  const isWell = ready.data === true;
  return (
    <Paper withBorder p="lg">
      <Group justify="space-between">
        <Title order={2} size="h4">{t("health")}</Title>
        <StatusBadge status={isWell ? "ready" : "not_ready"} />
      </Group>
      <Text size="sm" c="dimmed">{t(isWell ? "health_ready" : "health_not_ready")}</Text>
    </Paper>
  );
}
