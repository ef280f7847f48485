import { Alert, Button, Drawer, Group, Stack, Text, Timeline, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { Json, Moment, StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";

/** One request: what came, what was done with it, and what can be done now. */
export function RequestDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts();
  const request = useQuery({
    queryKey: ["request", id],
    queryFn: () => answer(api.GET("/requests/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: id !== undefined,
  });
  return (
    <Drawer opened={id !== undefined} onClose={onClose} position="right" size="lg" title={t("request")} closeButtonProps={{ "aria-label": t("close") }}>
      {request.isError && <Trouble error={request.error} />}
      {request.data && <Detail request={request.data} />}
    </Drawer>
  );
}

function Detail({ request }: { request: Schemas["Request"] }) {
  const t = useTexts();
  const word = useWord();
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: () => answer(api.POST("/requests/{id}/retry", { params: { path: { id: request.id } } })),
    onSuccess: (after) => {
      client.setQueryData(["request", request.id], after);
      void client.invalidateQueries({ queryKey: ["incoming", request.webhook_id] });
      tell(t("retried"));
    },
    onError: tellTrouble,
  });
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="xs"><StatusBadge status={request.status} /><Moment at={request.received_at} /></Group>
        <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>{t("run_again")}</Button>
      </Group>
      <Text size="sm" c="dimmed">{request.method} · {request.content_type} · {request.sender_ip} · {request.id}</Text>
      {request.errors.map(({ field, message }) => <Alert key={field + message} color="red">{field}: {message}</Alert>)}
      {request.warnings.map((warning) => <Alert key={warning} color="yellow">{warning}</Alert>)}
      <Title order={3} size="h5">{t("what_was_done")}</Title>
      <Timeline bulletSize={14} lineWidth={2} active={request.actions.length}>
        {request.actions.map(({ type, status, detail, duration_ms, step, record, part }) => (
          <Timeline.Item key={`${record}/${step}/${part}`} title={word("action", type)}>
            <Group gap="xs"><StatusBadge status={status} /><Text size="xs" c="dimmed">{t("milliseconds", { n: duration_ms })}</Text></Group>
            {detail && <Text size="sm">{detail}</Text>}
          </Timeline.Item>
        ))}
      </Timeline>
      {request.actions.length === 0 && <Text size="sm" c="dimmed">{t("nothing_done")}</Text>}
      {request.events.length > 0 && (
        <>
          <Title order={3} size="h5">{t("events_made")}</Title>
          {request.events.map((id) => <Link key={id} className="link" to="/events" search={{ entry: id }}>{id}</Link>)}
        </>
      )}
      <Title order={3} size="h5">{t("payload")}</Title>
      <Json value={request.payload} label={t("payload")} />
      <Title order={3} size="h5">{t("headers")}</Title>
      <Json value={request.headers} label={t("headers")} height={220} />
      <Title order={3} size="h5">{t("our_answer")}</Title>
      <Json value={request.response} label={t("our_answer")} height={220} />
    </Stack>
  );
}
