import { Alert, Box, Button, Group, Loader, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { IconCircleCheck } from "@tabler/icons-react";
import { useTold } from "../components/CopyNow";
import { useFeed } from "../activity/feed";
import { LinkButton } from "../components/LinkButton";
import { MayWrite } from "../components/MayWrite";
import { Copyable, Json, Moment, StatusBadge } from "../components/small";
import { tellTrouble } from "../components/tell";
import { useTexts } from "../texts";
import { curlOf } from "./curl";
import type { IncomingWebhook } from "./IncomingPage";
import { usePreset } from "./presets";
import { useLastRequest, usePasted } from "./requests";
import { sampleFor } from "./sample";
import { SampleInput } from "./SampleInput";
import { tryOut } from "./tryOut";

/** Where to send to, and what came last: the first thing that someone who made a webhook needs. */
export function Receiving({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const client = useQueryClient();
  const navigate = useNavigate();
  const last = useLastRequest(webhook.id);
  const look = () => void client.invalidateQueries({ queryKey: ["incoming", webhook.id, "last"] });
  // It shows the moment it comes; without the feed the slower look of `useLastRequest` is left.
  useFeed(`incoming=${webhook.id}`, false, { onEntry: look, onGap: look });
  const preset = usePreset(webhook.preset);
  const sample = sampleFor(webhook, preset);
  const told = useTold(webhook.id);
  const curl = curlOf(webhook, sample, { apiKey: told("api_key"), secret: told("signing_secret") });
  const { paste } = usePasted(webhook.id);
  const map = (payload: object) => {
    paste(payload);
    void navigate({ to: "/incoming/$id", params: { id: webhook.id }, search: { tab: "mapping" } });
  };
  const test = useMutation({
    mutationFn: () => tryOut(webhook.id, sample),
    onError: tellTrouble,
    onSettled: () => client.invalidateQueries({ queryKey: ["incoming", webhook.id] }),
  });
  return (
    <Stack gap="lg" maw={820}>
      <Paper withBorder p="lg">
        <Stack gap="sm">
          <Title order={2} size="h4">{t("your_url")}</Title>
          <Text size="sm" c="dimmed">{t("your_url_about")}</Text>
          <Copyable value={webhook.url} label={t("copy_url")} />
          <Text size="sm" fw={550} mt="sm">{t("try_curl")}</Text>
          {curl ? <Copyable value={curl} label={t("copy_curl")} /> : <Text size="sm" c="dimmed">{t("no_curl", { sender: preset?.name ?? t("sender") })}</Text>}
          <MayWrite>
            <Group><Button variant="default" loading={test.isPending} onClick={() => test.mutate()}>{t("send_sample")}</Button></Group>
          </MayWrite>
        </Stack>
      </Paper>
      <Paper withBorder p="lg" aria-live="polite">
        {last.data ? (
          <Stack gap="sm">
            <Group justify="space-between">
              <Title order={2} size="h4">{t("last_request")}</Title>
              <Group gap="xs"><StatusBadge status={last.data.status} /><Moment at={last.data.received_at} /></Group>
            </Group>
            {last.data.errors.map(({ field, message }) => (
              <Alert key={field} color="red">{field}: {message}</Alert>
            ))}
            <Json value={last.data.payload} label={t("payload")} height={280} />
            <Group>
              <MayWrite>
                <LinkButton to="/incoming/$id" params={{ id: webhook.id }} search={{ tab: "mapping" }} leftSection={<IconCircleCheck size={16} />}>
                  {t("map_this")}
                </LinkButton>
              </MayWrite>
              <Link className="link" to="/incoming/$id" params={{ id: webhook.id }} search={{ tab: "log" }}>{t("see_log")}</Link>
            </Group>
          </Stack>
        ) : (
          <Stack align="center" gap="sm" ta="center" py="lg">
            <Loader type="dots" aria-hidden />
            <Title order={2} size="h4">{t("waiting_for_sample")}</Title>
            <Text size="sm" c="dimmed" maw={460}>{t("waiting_for_sample_about")}</Text>
            <MayWrite><Box w="100%" ta="start"><SampleInput webhookId={webhook.id} onPasted={map} /></Box></MayWrite>
          </Stack>
        )}
      </Paper>
    </Stack>
  );
}
