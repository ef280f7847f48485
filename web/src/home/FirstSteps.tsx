import { Button, Group, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconCheck, IconPlayerPlay } from "@tabler/icons-react";
import { answer, api } from "../api/client";
import { LinkButton } from "../components/LinkButton";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";

interface FirstStepsProps {
  hasIncoming: boolean;
  hasOutgoing: boolean;
  hasReceived: boolean;
}

/** What someone does first, and a sample that does it for them. */
export function FirstSteps({ hasIncoming, hasOutgoing, hasReceived }: FirstStepsProps) {
  const t = useTexts();
  const may = useMay();
  return (
    <Paper withBorder p="lg">
      <Stack gap="lg">
        <Title order={2} size="h4">{t("first_steps")}</Title>
        {!hasIncoming && may("write") && <Sample />}
        <Step number={1} done={hasIncoming} text={t("step_incoming")} action={<LinkButton to="/incoming/new" variant="default">{t("new_incoming")}</LinkButton>} />
        <Step number={2} done={hasReceived} text={t("step_receive")} action={hasIncoming && <LinkButton to="/incoming" variant="default">{t("incoming")}</LinkButton>} />
        <Step number={3} done={hasOutgoing} text={t("step_outgoing")} action={<LinkButton to="/outgoing/new" variant="default">{t("new_outgoing")}</LinkButton>} />
      </Stack>
    </Paper>
  );
}

function Step({ number, done, text, action }: { number: number; done: boolean; text: string; action: React.ReactNode }) {
  const t = useTexts();
  const may = useMay();
  return (
    <Group justify="space-between">
      <Group gap="sm" flex={1} miw={220} wrap="nowrap">
        <ThemeIcon variant={done ? "filled" : "default"} radius="xl" color="teal.9" aria-hidden>{done ? <IconCheck size={16} /> : number}</ThemeIcon>
        <Text>{text}{done && ` — ${t("status_done")}`}</Text>
      </Group>
      {!done && may("write") && action}
    </Group>
  );
}

const PERSON = { email: "grace@example.com", first_name: "Grace", last_name: "Hopper", company: "Example Ltd" };

/** Makes a list and a webhook, sends a sample to it as its sender would, and shows the subscriber that comes of it. */
function Sample() {
  const t = useTexts();
  const client = useQueryClient();
  const navigate = useNavigate();
  const run = useMutation({
    mutationFn: async () => {
      const list = await answer(api.POST("/lists", { body: { name: t("sample_list") } }));
      const webhook = await answer(
        api.POST("/incoming-webhooks", {
          body: {
            name: t("sample_webhook"), event_type: "subscriber_added",
            actions: [{ type: "add_subscriber", lists: [list.id], tags: ["sample"], update_existing: true }],
          },
        }),
      );
      const sample = { event: "subscriber_added", data: PERSON };
      await answer(api.POST("/incoming-webhooks/{id}/test", { params: { path: { id: webhook.id } }, body: sample }));
      return (await answer(api.GET("/subscribers", { params: { query: { email: PERSON.email } } }))).data[0];
    },
    onSuccess: (subscriber) => {
      void client.invalidateQueries();
      tell(t("sample_done"));
      if (subscriber) void navigate({ to: "/subscribers/$id", params: { id: String(subscriber.id) } });
    },
  });
  return (
    <Stack gap="xs" align="flex-start">
      <Text size="sm">{t("sample_about")}</Text>
      {run.isError && <Trouble error={run.error} />}
      <Button leftSection={<IconPlayerPlay size={16} />} loading={run.isPending} onClick={() => run.mutate()}>{t("sample_run")}</Button>
    </Stack>
  );
}
