import { Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { ConfirmButton } from "../components/ConfirmButton";
import { Loaded } from "../components/Loaded";
import { Page } from "../components/Page";
import { Json, Moment, StatusBadge } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { inputOf, SubscriberForm, type SubscriberInput } from "./SubscriberForm";

export function SubscriberPage() {
  const { id } = useParams({ from: "/inside/subscribers/$id" });
  const subscriber = useQuery({
    queryKey: ["subscriber", id],
    queryFn: () => answer(api.GET("/subscribers/{id}", { params: { path: { id: Number(id) } } })),
  });
  return <Loaded query={subscriber}>{(subscriber) => <Shown key={id} subscriber={subscriber} />}</Loaded>;
}

function Shown({ subscriber }: { subscriber: Schemas["Subscriber"] }) {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const params = { path: { id: subscriber.id } };
  const change = useMutation({
    mutationFn: (body: SubscriberInput) => answer(api.PATCH("/subscribers/{id}", { params, body })),
    onSuccess: (after) => {
      client.setQueryData(["subscriber", String(subscriber.id)], after);
      void client.invalidateQueries({ queryKey: ["events"] });
      tell(t("saved"));
    },
  });
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/subscribers/{id}", { params })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["subscribers"] });
      void navigate({ to: "/subscribers", search: {} });
    },
    onError: tellTrouble,
  });
  return (
    <Page
      title={subscriber.email}
      about={<StatusBadge status={subscriber.status} />}
      actions={<ConfirmButton label={t("delete")} question={t("delete_subscriber_question", { name: subscriber.email })} onConfirm={() => remove.mutate()} />}
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Paper withBorder p="lg">
          <SubscriberForm initial={inputOf(subscriber)} submit={t("save")} pending={change.isPending} error={change.error} onSubmit={(input) => change.mutate(input)} />
        </Paper>
        <Stack>
          <Paper withBorder p="lg">
            <Title order={2} size="h5" mb="sm">{t("custom_fields")}</Title>
            <Json value={subscriber.custom_fields} label={t("custom_fields")} height={220} />
          </Paper>
          <History email={subscriber.email} />
        </Stack>
      </SimpleGrid>
    </Page>
  );
}

/** The latest events that name this subscriber. */
function History({ email }: { email: string }) {
  const t = useTexts();
  const events = useQuery({
    queryKey: ["events", "of", email],
    queryFn: () => answer(api.GET("/events", { params: { query: { q: email, limit: 20 } } })),
  });
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h5" mb="sm">{t("history")}</Title>
      {events.isError && <Trouble error={events.error} />}
      <Stack gap="xs">
        {events.data?.data.map(({ id, event_type, timestamp }) => (
          <Group key={id} justify="space-between">
            <Link className="link" to="/events" search={{ entry: id }}><Text size="sm" ff="monospace" component="span">{event_type}</Text></Link>
            <Moment at={timestamp} />
          </Group>
        ))}
        {events.data?.data.length === 0 && <Text size="sm" c="dimmed">{t("history_none")}</Text>}
      </Stack>
    </Paper>
  );
}
