import { Alert, Button, Group, Paper, Progress, Stack, Text } from "@mantine/core";
import { useEffect, useEffectEvent, useState } from "react";
import { MayWrite } from "../components/MayWrite";
import { useTexts, useWord } from "../texts";
import { isRunning, percentDone, useStopTask, useTasks, type Task } from "./tasks";

interface TaskProgressProps {
  webhookId: string;
  /** When entries were removed. */
  onCleared: () => void;
}

/** The work on a log that is under way, and what became of it. What was done before one looked is not told. */
export function TaskProgress({ webhookId, onCleared }: TaskProgressProps) {
  const tasks = useTasks(webhookId);
  const [since] = useState(() => Date.now());
  const [dismissed, dismiss] = useState<string[]>([]);
  const ended = (tasks.data ?? []).filter((task) => !isRunning(task) && Date.parse(task.updated_at) >= since);
  const cleared = ended.filter(({ kind }) => kind.startsWith("clear_")).length;
  const tell = useEffectEvent(onCleared);
  useEffect(() => {
    if (cleared > 0) tell();
  }, [cleared]);
  return (
    <>
      {tasks.data?.filter(isRunning).map((task) => <Running key={task.id} task={task} webhookId={webhookId} />)}
      {ended.filter(({ id }) => !dismissed.includes(id)).map((task) => <Ended key={task.id} task={task} onClose={() => dismiss([...dismissed, task.id])} />)}
    </>
  );
}

function Running({ task, webhookId }: { task: Task; webhookId: string }) {
  const t = useTexts();
  const word = useWord();
  const stop = useStopTask(webhookId);
  const kind = word("task", task.kind);
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Group justify="space-between">
          <Text size="sm" fw={550}>{kind}</Text>
          <Group gap="sm">
            <Text size="sm" c="dimmed">{t("task_so_far", { done: task.done, total: task.total })}</Text>
            <MayWrite><Button size="compact-sm" variant="default" loading={stop.isPending} onClick={() => stop.mutate(task.id)}>{t("stop")}</Button></MayWrite>
          </Group>
        </Group>
        <Progress value={percentDone(task)} aria-label={kind} />
      </Stack>
    </Paper>
  );
}

function Ended({ task, onClose }: { task: Task; onClose: () => void }) {
  const t = useTexts();
  const word = useWord();
  const clean = task.state === "done" && task.failed === 0;
  return (
    <Alert
      role="status" color={clean ? "teal" : "yellow"} title={word("task", task.kind)}
      withCloseButton closeButtonLabel={t("close")} onClose={onClose}
    >
      <Text size="sm">{task.state === "done" ? t("task_done", { done: task.done }) : t("task_stopped", { done: task.done, total: task.total })}</Text>
      {task.failed > 0 && <Text size="sm">{t("task_failed", { failed: task.failed })}</Text>}
      {task.detail && <Text size="sm">{task.detail}</Text>}
    </Alert>
  );
}
