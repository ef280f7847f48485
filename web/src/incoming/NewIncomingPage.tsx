import { Button, Group, Paper, Stack, Switch, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { tellOnce } from "../components/CopyNow";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { Page } from "../components/Page";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { AboutFields } from "./AboutFields";
import { PresetPicker } from "./PresetPicker";
import { usePreset } from "./presets";
import { secretsOf } from "./secrets";
import { SignatureFields } from "./SignatureFields";

type Input = Schemas["IncomingWebhookInput"];

const EMPTY = {
  name: "",
  description: "",
  status: "active" as Schemas["WebhookStatus"],
  event_type: "subscriber_added",
  preset: null as string | null,
  require_api_key: false,
  signature: {} as Schemas["IncomingSignature"],
  // What most people want; the page that follows has the others.
  actions: [{ type: "add_subscriber", update_existing: true }] as Input["actions"],
};

/** Makes a webhook, and goes on to where its URL is and the first sample is waited for. */
export function NewIncomingPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const draft = useDraft("incoming/new", EMPTY);
  const form = draft.value;
  const preset = usePreset(form.preset);
  const create = useMutation({
    mutationFn: () => answer(api.POST("/incoming-webhooks", { body: form })),
    onSuccess: (webhook) => {
      // One that was typed here is known.
      tellOnce(client, webhook.id, secretsOf(webhook).filter(({ value }) => value !== form.signature.secret));
      draft.reset();
      void client.invalidateQueries({ queryKey: ["incoming"] });
      void navigate({ to: "/incoming/$id", params: { id: webhook.id }, search: {} });
    },
  });
  const faults = create.error instanceof ApiProblem ? create.error.fields : {};
  return (
    <Page needs="write" title={t("new_incoming")} about={t("new_incoming_about")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <Stack maw={720} gap="lg">
          <DraftNotes draft={draft} />
          {create.isError && <Trouble error={create.error} />}
          <Paper withBorder p="lg">
            <Stack>
              <Title order={2} size="h4">{t("what_it_is")}</Title>
              <AboutFields about={form} onChange={draft.change} faults={faults} isFirst />
            </Stack>
          </Paper>
          <Paper withBorder p="lg">
            <Stack>
              <Title order={2} size="h4">{t("who_sends")}</Title>
              <PresetPicker value={form.preset} onChange={(preset) => draft.change({ preset, signature: {} })} error={faults.preset} />
              <Switch
                label={t("require_api_key")} description={t("require_api_key_about")}
                checked={form.require_api_key} onChange={(event) => draft.change({ require_api_key: event.currentTarget.checked })}
              />
              <SignatureFields signature={form.signature} preset={preset} faults={faults} onChange={(signature) => draft.change({ signature })} />
            </Stack>
          </Paper>
          <Group>
            <Button type="submit" loading={create.isPending}>{t("create")}</Button>
            <Text size="sm" c="dimmed">{t("create_next")}</Text>
          </Group>
        </Stack>
      </form>
    </Page>
  );
}
