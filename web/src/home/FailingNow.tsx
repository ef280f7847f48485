import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconCircleCheck } from "@tabler/icons-react";
import { answer, api, type Schemas } from "../api/client";
import { StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { tellUndoable } from "../components/undo";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import type { Failing } from "./overview";

interface FailingNowProps {
  failing: Failing[];
  names: Map<string, string>;
  /** Outgoing webhooks that were switched off because their destination is gone. */
  switchedOff: Schemas["OutgoingWebhook"][];
}

/** What does not work, each with the button that mends it or tries it again. */
export function FailingNow({ failing, names, switchedOff }: FailingNowProps) {
  const t = useTexts();
  const known = failing.filter(({ id }) => names.has(id));
  return (
    <Paper withBorder p="lg">
      <Stack gap="md">
        <Title order={2} size="h4">{t("failing_now")}</Title>
        {known.length + switchedOff.length === 0 && (
          <Group gap="xs"><IconCircleCheck size={20} aria-hidden /><Text size="sm">{t("all_well")}</Text></Group>
        )}
        {switchedOff.map((webhook) => <SwitchedOff key={webhook.id} webhook={webhook} />)}
        {known.map((one) => <FailingOne key={`${one.side} ${one.id}`} failing={one} name={names.get(one.id) ?? one.id} />)}
      </Stack>
    </Paper>
  );
}

function FailingOne({ failing: { side, id, failed, now }, name }: { failing: Failing; name: string }) {
  const t = useTexts();
  const may = useMay();
  const client = useQueryClient();
  const params = { path: { id } };
  const search = { tab: "log", status: "failed" };
  const retry = useMutation({
    mutationFn: async () =>
      side === "incoming"
        ? (await answer(api.POST("/incoming-webhooks/{id}/requests/retry", { params, body: {} }))).total
        : (await answer(api.POST("/outgoing-webhooks/{id}/deliveries/retry", { params, body: {} }))).total,
    onSuccess: (total) => {
      tell(t("retry_begun", { n: total }));
      void client.invalidateQueries({ queryKey: ["tasks"] });
    },
    onError: tellTrouble,
  });
  return (
    <Group justify="space-between">
      <div>
        <Text size="sm" fw={550} component="div">
          {side === "incoming" ? <Link className="link" to="/incoming/$id" params={{ id }} search={search}>{name}</Link> : <Link className="link" to="/outgoing/$id" params={{ id }} search={search}>{name}</Link>}
        </Text>
        <Text size="sm" c="dimmed">{now ? t("nothing_arrives") : t(side === "incoming" ? "requests_failed" : "deliveries_failed", { n: failed })}</Text>
      </div>
      {may("write") && failed > 0 && <Button size="xs" variant="default" aria-label={t("retry_of", { name })} loading={retry.isPending} onClick={() => retry.mutate()}>{t("retry_failed")}</Button>}
    </Group>
  );
}

function SwitchedOff({ webhook: { id, name, disabled_reason } }: { webhook: Schemas["OutgoingWebhook"] }) {
  const t = useTexts();
  const may = useMay();
  const client = useQueryClient();
  const put = (status: "active" | "inactive") =>
    answer(api.PATCH("/outgoing-webhooks/{id}", { params: { path: { id } }, body: { status } })).finally(() => client.invalidateQueries({ queryKey: ["outgoing"] }));
  const activate = useMutation({
    mutationFn: () => put("active"),
    onSuccess: () => tellUndoable(t("activated", { name }), () => put("inactive")),
    onError: tellTrouble,
  });
  return (
    <Group justify="space-between">
      <div>
        <Group gap="xs"><Link className="link" to="/outgoing/$id" params={{ id }} search={{}}>{name}</Link><StatusBadge status="inactive" /></Group>
        <Text size="sm" c="dimmed">{disabled_reason}</Text>
      </div>
      {may("write") && <Button size="xs" variant="default" loading={activate.isPending} onClick={() => activate.mutate()}>{t("activate_again")}</Button>}
    </Group>
  );
}
