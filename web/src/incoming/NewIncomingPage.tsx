import { Button, Group, Paper, Select, Stack, Switch, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { tellOnce } from "../components/CopyNow";
import { EventTypeInput } from "../components/EventTypeInput";
import { Page } from "../components/Page";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { usePresets } from "./presets";
import { secretsOf } from "./secrets";

export function NewIncomingPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [form, setForm] = useState({ name: "", description: "", event_type: "subscriber_added", preset: null as string | null, require_api_key: false });
  const set = (change: Partial<typeof form>) => setForm({ ...form, ...change });
  const presets = usePresets();
  const create = useMutation({
    mutationFn: () =>
      answer(api.POST("/incoming-webhooks", { body: { ...form, actions: [{ type: "add_subscriber", update_existing: true }] } })),
    onSuccess: (webhook) => {
      tellOnce(client, webhook.id, secretsOf(webhook));
      void client.invalidateQueries({ queryKey: ["incoming"] });
      void navigate({ to: "/incoming/$id", params: { id: webhook.id }, search: {} });
    },
  });
  const fields = create.error instanceof ApiProblem ? create.error.fields : {};
  const preset = presets.data?.find(({ id }) => id === form.preset);
  return (
    <Page title={t("new_incoming")} about={t("new_incoming_about")}>
      <Paper withBorder p="lg" maw={640}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            create.mutate();
          }}
        >
          <Stack>
            {create.isError && <Trouble error={create.error} />}
            <TextInput
              label={t("name")} placeholder={t("name_hint")} required autoFocus maxLength={200}
              value={form.name} onChange={(event) => set({ name: event.currentTarget.value })} error={fields.name}
            />
            <Select
              label={t("sender")} description={preset?.hint || t("sender_about")} placeholder={t("sender_any")} searchable clearable
              data={presets.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
              value={form.preset} onChange={(id) => set({ preset: id })} error={fields.preset}
              clearButtonProps={{ "aria-label": t("clear") }}
            />
            <EventTypeInput
              label={t("event")} description={t("incoming_event_about")}
              value={form.event_type} onChange={(event_type) => set({ event_type })} error={fields.event_type}
            />
            <Textarea
              label={t("description")} autosize minRows={2}
              value={form.description} onChange={(event) => set({ description: event.currentTarget.value })} error={fields.description}
            />
            <Switch
              label={t("require_api_key")} description={t("require_api_key_about")}
              checked={form.require_api_key} onChange={(event) => set({ require_api_key: event.currentTarget.checked })}
            />
            <Group>
              <Button type="submit" loading={create.isPending}>{t("create")}</Button>
            </Group>
          </Stack>
        </form>
      </Paper>
    </Page>
  );
}
