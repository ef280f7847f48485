import { Alert, Button, Drawer, Group, Stack, Text, Timeline, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { Json, Moment, StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";

/** One delivery, with each attempt. */
export function DeliveryDrawer({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTexts();
  const delivery = useQuery({
    queryKey: ["delivery", id],
    queryFn: () => answer(api.GET("/deliveries/{id}", { params: { path: { id: id ?? "" } } })),
    enabled: id !== undefined,
  });
  return (
    <Drawer opened={id !== undefined} onClose={onClose} position="right" size="lg" title={t("delivery")} closeButtonProps={{ "aria-label": t("close") }}>
      {delivery.isError && <Trouble error={delivery.error} />}
      {delivery.data && <Detail delivery={delivery.data} />}
    </Drawer>
  );
}

function Detail({ delivery }: { delivery: Schemas["Delivery"] }) {
  const t = useTexts();
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: () => answer(api.POST("/deliveries/{id}/retry", { params: { path: { id: delivery.id } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["delivery", delivery.id] });
      void client.invalidateQueries({ queryKey: ["outgoing", delivery.webhook_id] });
      tell(t("queued_again"));
    },
    onError: tellTrouble,
  });
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="xs"><StatusBadge status={delivery.status} /><Moment at={delivery.created_at} /></Group>
        <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>{t("send_again")}</Button>
      </Group>
      <Text size="sm" c="dimmed">{delivery.event_type} · {delivery.id}</Text>
      <Link className="link" to="/events" search={{ entry: delivery.event_id }}>{t("event_of_delivery")}</Link>
      {delivery.next_attempt_at && <Alert color="blue">{t("next_attempt")} <Moment at={delivery.next_attempt_at} /></Alert>}
      <Title order={3} size="h5">{t("attempts")}</Title>
      <Timeline bulletSize={14} lineWidth={2}>
        {delivery.attempts.map((attempt) => (
          <Timeline.Item key={attempt.number} title={`${attempt.number}. ${attempt.http_status ?? attempt.error_code ?? ""}`}>
            <Stack gap="xs">
              <Group gap="xs"><Moment at={attempt.at} /><Text size="xs" c="dimmed">{t("milliseconds", { n: attempt.duration_ms })}</Text></Group>
              {attempt.error && <Alert color="red">{attempt.error}</Alert>}
              {attempt.response_body && <Json value={attempt.response_body} label={t("their_answer")} height={160} />}
            </Stack>
          </Timeline.Item>
        ))}
      </Timeline>
      <Title order={3} size="h5">{t("payload")}</Title>
      <Json value={delivery.payload} label={t("payload")} />
      <Title order={3} size="h5">{t("headers")}</Title>
      <Json value={delivery.attempts.at(-1)?.request_headers ?? {}} label={t("headers")} height={220} />
    </Stack>
  );
}
