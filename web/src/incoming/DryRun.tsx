import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { same } from "../components/drafts";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import type { Action } from "./ActionsEditor";
import type { IncomingWebhook } from "./IncomingPage";
import { MappingPreview } from "./MappingPreview";
import { useSamplePayload } from "./requests";

/** What the actions would do with what came last, or with a sample, as they stand here. */
export function DryRun({ webhook, actions }: { webhook: IncomingWebhook; actions: Action[] }) {
  const t = useTexts();
  const payload = useSamplePayload(webhook);
  const run = useMutation({
    mutationFn: () => {
      const body: Schemas["PreviewInput"] = { payload: payload.value as never, ...(same(actions, webhook.actions) ? {} : { actions }) };
      return answer(api.POST("/incoming-webhooks/{id}/preview", { params: { path: { id: webhook.id } }, body }));
    },
  });
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Title order={2} size="h4">{t("dry_run")}</Title>
        <Text size="sm" c="dimmed">{t("dry_run_about")}</Text>
        {payload.isOurs && <Text size="sm">{t("sample_is_ours")}</Text>}
        <Group><Button variant="default" loading={run.isPending} onClick={() => run.mutate()}>{t("dry_run")}</Button></Group>
        {run.isError && <Trouble error={run.error} />}
        {run.data && <MappingPreview preview={run.data} />}
      </Stack>
    </Paper>
  );
}
