/** Long work on the log of a webhook: how far it has come, and what is told when it is done. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { tellTrouble } from "../components/tell";

export type Task = Schemas["Task"];

/** How often work under way is looked at, in milliseconds: often enough for a bar to move. */
const LOOK = 1_000;
/** How many of the newest tasks are looked at. At most one at a time works on a log. */
const NEWEST = 5;

export function tasksKey(webhookId: string) {
  return ["tasks", webhookId];
}

export function isRunning(task: Task): boolean {
  return task.state === "running";
}

/** The newest tasks of a webhook, followed as long as one of them runs. */
export function useTasks(webhookId: string) {
  return useQuery({
    queryKey: tasksKey(webhookId),
    queryFn: async () => (await answer(api.GET("/tasks", { params: { query: { webhook_id: webhookId, limit: NEWEST } } }))).data,
    refetchInterval: ({ state }) => (state.data?.some(isRunning) ? LOOK : false),
  });
}

export function useStopTask(webhookId: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => answer(api.DELETE("/tasks/{id}", { params: { path: { id } } })),
    onError: tellTrouble,
    onSettled: () => client.invalidateQueries({ queryKey: tasksKey(webhookId) }),
  });
}

/** How much of it is done, from 0 to 100. A task without anything to do is done. */
export function percentDone({ done, total }: Pick<Task, "done" | "total">): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100));
}
