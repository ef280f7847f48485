import { Alert, Button, Group, Loader, Modal, NumberInput, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { tasksKey, type Task } from "./tasks";

/** Work on many entries of a log. */
export interface Work {
  title: string;
  /** What happens to what, and whether it can come back. */
  about: string;
  /** What the button says, with the number. */
  doIt: (total: number) => string;
  /** What the count depends on. */
  of: unknown;
  /** How many it would be. */
  count: () => Promise<number>;
  /** Does it: a task, or how many it was if that was quick. */
  run: (perSecond: number | undefined) => Promise<Task | number>;
  /** Whether it is for good. */
  dangerous?: boolean;
  /** Whether it can be made slower, for the sake of who gets it. */
  paced?: boolean;
}

type Outcome = Task | { deleted: number } | { total: number };

/** How many a dry run says it would be. */
export function sizeOf(outcome: Outcome): number {
  return "deleted" in outcome ? outcome.deleted : outcome.total;
}

/** The task that goes on with it, or how many it was. */
export function taskOr(outcome: Outcome): Task | number {
  return "kind" in outcome ? outcome : sizeOf(outcome);
}

interface WorkModalProps {
  webhookId: string;
  work: Work | null;
  onClose: () => void;
  /** After it began or was done. */
  onDone?: () => void;
  /** What else is asked for. */
  children?: ReactNode;
}

/** Says how many entries it would be, and asks, before anything is done to them. */
export function WorkModal({ work, onClose, ...rest }: WorkModalProps) {
  const t = useTexts();
  return (
    <Modal opened={work !== null} onClose={onClose} title={work?.title} closeButtonProps={{ "aria-label": t("close") }}>
      {work && <Asking work={work} onClose={onClose} {...rest} />}
    </Modal>
  );
}

function Asking({ webhookId, work, onClose, onDone, children }: WorkModalProps & { work: Work }) {
  const t = useTexts();
  const client = useQueryClient();
  const [perSecond, setPerSecond] = useState<number>();
  const count = useQuery({ queryKey: ["work", webhookId, work.title, work.of], queryFn: work.count, staleTime: 0, gcTime: 0 });
  const run = useMutation({
    mutationFn: () => work.run(perSecond),
    onSuccess: (outcome) => {
      if (typeof outcome === "number") tell(t("task_done", { done: outcome }));
      void client.invalidateQueries({ queryKey: tasksKey(webhookId) });
      onClose();
      onDone?.();
    },
  });
  const total = count.data;
  return (
    <Stack>
      <Text size="sm">{work.about}</Text>
      {children}
      {work.paced && (
        <NumberInput
          label={t("per_second")} description={t("per_second_about")} placeholder={t("per_second_none")} min={1} max={10_000} allowDecimal={false}
          value={perSecond ?? ""} onChange={(value) => setPerSecond(typeof value === "number" ? value : undefined)}
        />
      )}
      <div aria-live="polite">
        {count.isPending && <Group gap="xs"><Loader size="xs" aria-hidden /><Text size="sm">{t("counting")}</Text></Group>}
        {count.isError && <Trouble error={count.error} retry={() => void count.refetch()} />}
        {total === 0 && <Alert color="blue">{t("work_none")}</Alert>}
      </div>
      {run.isError && <Trouble error={run.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose} data-autofocus>{t("cancel")}</Button>
        {total !== undefined && total > 0 && (
          <Button color={work.dangerous ? "red.9" : undefined} loading={run.isPending} onClick={() => run.mutate()}>{work.doIt(total)}</Button>
        )}
      </Group>
    </Stack>
  );
}
