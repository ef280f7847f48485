import { Group, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { useTexts, useWord } from "../texts";

/** How often work that goes on is asked for, in milliseconds. */
const REFRESH = 3_000;

/** Long work that goes on at the moment. */
export function Tasks() {
  const t = useTexts();
  const word = useWord();
  const tasks = useQuery({
    queryKey: ["tasks", "running"],
    queryFn: async () => (await answer(api.GET("/tasks", { params: { query: { state: "running" } } }))).data,
    refetchInterval: REFRESH,
  });
  if (!tasks.data || tasks.data.length === 0) return null;
  return (
    <Paper withBorder p="lg">
      <Stack gap="sm">
        <Title order={2} size="h4">{t("tasks_running")}</Title>
        {tasks.data.map(({ id, kind, done, total }) => (
          <div key={id}>
            <Group justify="space-between"><Text size="sm">{word("task", kind)}</Text><Text size="sm" c="dimmed">{t("of_total", { done, total })}</Text></Group>
            <Progress value={total > 0 ? (done / total) * 100 : 0} aria-label={word("task", kind)} />
          </div>
        ))}
      </Stack>
    </Paper>
  );
}
