import { ActionIcon, Button, Fieldset, Group, NumberInput, Select, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { JsonText } from "../components/JsonText";
import { LinesText } from "../components/LinesText";
import { useTexts } from "../texts";
import type { Action } from "./ActionsEditor";
import type { Rule } from "./mapping";

type Call = Extract<Action, { type: "call_api" }>;

/** A call of another system, and what is kept of its answer. */
export function CallFields({ action, onChange }: { action: Call; onChange: (action: Call) => void }) {
  const t = useTexts();
  const set = (change: Partial<Call>) => onChange({ ...action, ...change });
  return (
    <Stack gap="sm">
      <Group align="flex-start" grow preventGrowOverflow={false}>
        <Select
          label={t("method")} w={120} allowDeselect={false} data={["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]} value={action.method ?? "POST"}
          onChange={(method) => set({ method: method as Call["method"] })}
        />
        <TextInput label="URL" type="url" required placeholder="https://api.example.com/contacts/{mapped.email}" value={action.url} onChange={(event) => set({ url: event.currentTarget.value })} />
      </Group>
      <LinesText
        label={t("headers")} description={t("call_headers_about")} placeholder="Authorization: Bearer 0123456789"
        value={action.headers ?? {}} onChange={(headers) => set({ headers })}
      />
      {action.method !== "GET" && action.method !== "HEAD" && (
        <JsonText label={t("call_body")} description={t("call_body_about")} placeholder='{"name": "{mapped.first_name}"}' value={action.body} onChange={(body) => set({ body })} />
      )}
      <Group grow align="flex-start">
        <TextInput
          label={t("call_name")} description={t("call_name_about")} placeholder="crm" value={action.name ?? ""}
          onChange={(event) => set({ name: event.currentTarget.value || null })}
        />
        <NumberInput label={t("call_timeout")} description={t("call_timeout_about")} min={1} max={30} value={action.timeout_seconds ?? 10} onChange={(seconds) => set({ timeout_seconds: Number(seconds) })} />
      </Group>
      <SavedResponse rules={action.save_response ?? []} onChange={(save_response) => set({ save_response })} />
    </Stack>
  );
}

/** Which values of the answer go to which fields of the subscriber. */
function SavedResponse({ rules, onChange }: { rules: Rule[]; onChange: (rules: Rule[]) => void }) {
  const t = useTexts();
  const replace = (at: number, change: Partial<Rule>) => onChange(rules.map((rule, index) => (index === at ? { ...rule, ...change } : rule)));
  return (
    <Fieldset legend={t("save_response")}>
      <Stack gap="xs">
        <Text size="sm" c="dimmed">{t("save_response_about")}</Text>
        {rules.map((rule, index) => (
          <Group key={index} gap="xs" wrap="nowrap" align="flex-end">
            <TextInput flex={1} label={t("from_answer")} placeholder="body.id" value={rule.from ?? ""} onChange={(event) => replace(index, { from: event.currentTarget.value })} />
            <TextInput flex={1} label={t("to_field")} placeholder="custom_field.crm_id" value={rule.to} onChange={(event) => replace(index, { to: event.currentTarget.value })} />
            <ActionIcon variant="default" size="lg" onClick={() => onChange(rules.filter((_, other) => other !== index))} aria-label={t("remove")}><IconTrash size={16} /></ActionIcon>
          </Group>
        ))}
        <div>
          <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => onChange([...rules, { to: "custom_field.", from: "body." }])}>{t("add_field")}</Button>
        </div>
      </Stack>
    </Fieldset>
  );
}
