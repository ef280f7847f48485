import { ActionIcon, Alert, Badge, Button, Group, Paper, Select, SimpleGrid, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { IconArrowLeft, IconWand, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { ChangedElsewhere } from "../components/ChangedElsewhere";
import { useDraft } from "../components/drafts";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";
import { connected, disconnected, leavesOf, suggested, transformed, type Leaf, type Rule } from "./mapping";
import { MappingPreview } from "./MappingPreview";
import { useLastRequest } from "./requests";
import { SampleInput } from "./SampleInput";
import { usePreset } from "./presets";
import { payloadOf, sampleFor } from "./sample";

const FIELDS = ["email", "first_name", "last_name", "name", "phone", "company", "source", "status"];
/** Those of the transforms that need no argument; the others are for the API and for templates. */
const TRANSFORMS = ["trim", "lower", "upper", "title", "first_name", "last_name", "number", "boolean", "country_code", "hash"] as const;
/** How long after the last change the preview is asked for, in milliseconds. */
const CALM = 300;
const DRAGGED = "application/x-ccsp-path";

/** The sample on the left, the subscriber's fields on the right: click one, then the other, or drag. */
export function MappingEditor({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const last = useLastRequest(webhook.id);
  const [pasted, setPasted] = useState<unknown>();
  const draft = useDraft<Rule[]>(`incoming/${webhook.id}/mapping`, webhook.mapping ?? []);
  const { value: rules, set: setRules, dirty } = draft;
  const [chosen, setChosen] = useState<string | null>(null);
  const change = useChangeIncoming(webhook.id);
  const fields = useCustomFields();
  const preset = usePreset(webhook.preset);
  const sample = pasted ?? last.data?.payload ?? payloadOf(sampleFor(webhook, preset));
  const leaves = leavesOf(sample);
  const connect = (to: string, from: string) => {
    setRules(connected(rules, to, from));
    setChosen(null);
  };
  const preview = usePreview(webhook.id, sample, rules);
  const targets = [...FIELDS, ...fields.map((name) => `custom_field.${name}`)];
  const others = rules.map(({ to }) => to).filter((to) => !targets.includes(to));
  return (
    <Stack gap="lg">
      <Text c="dimmed" maw={680}>{t("mapping_about")}</Text>
      <Group gap="xs">
        <Button loading={change.isPending} disabled={!dirty} onClick={() => change.mutate({ mapping: rules.length > 0 ? rules : null }, { onSuccess: draft.reset })}>{t("save")}</Button>
        <Button variant="default" leftSection={<IconWand size={16} />} onClick={() => setRules(suggested(rules, leaves, fields))}>{t("suggest")}</Button>
        {dirty && <Button variant="default" onClick={draft.reset}>{t("undo_changes")}</Button>}
      </Group>
      <ChangedElsewhere draft={draft} />
      {change.isError && <Trouble error={change.error} />}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="lg">
        <Column title={t("sample")}>
          {!pasted && !last.data && <Alert color="blue">{t("sample_is_ours")}</Alert>}
          <Leaves leaves={leaves} chosen={chosen} choose={setChosen} />
          <SampleInput onPasted={setPasted} />
        </Column>
        <Column title={t("subscriber")}>
          {[...targets, ...others].map((to) => (
            <TargetRow
              key={to} to={to} rule={rules.find((rule) => rule.to === to)} chosen={chosen}
              connect={(from) => connect(to, from)}
              disconnect={() => setRules(disconnected(rules, to))}
              transform={(filter) => setRules(transformed(rules, to, filter))}
            />
          ))}
        </Column>
        <Column title={t("result")}>
          {preview.isError ? <Trouble error={preview.error} /> : preview.data && <MappingPreview preview={preview.data} />}
        </Column>
      </SimpleGrid>
    </Stack>
  );
}

function Column({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Title order={2} size="h5">{title}</Title>
        {children}
      </Stack>
    </Paper>
  );
}

function Leaves({ leaves, chosen, choose }: { leaves: Leaf[]; chosen: string | null; choose: (path: string | null) => void }) {
  return leaves.map(({ path, value }) => (
    <UnstyledButton
      key={path} className="leaf" draggable data-chosen={chosen === path || undefined} aria-pressed={chosen === path}
      onClick={() => choose(chosen === path ? null : path)}
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, path)}
    >
      <code>{path}</code>
      <Text size="sm" c="dimmed" truncate>{value}</Text>
    </UnstyledButton>
  ));
}

interface TargetRowProps {
  to: string;
  rule: Rule | undefined;
  chosen: string | null;
  connect: (from: string) => void;
  disconnect: () => void;
  transform: (filter: string | null) => void;
}

function TargetRow({ to, rule, chosen, connect, disconnect, transform }: TargetRowProps) {
  const t = useTexts();
  const word = useWord();
  const [over, setOver] = useState(false);
  const name = to.startsWith("custom_field.") ? to.slice("custom_field.".length) : word("field", to);
  const filters = rule?.filters ?? [];
  const drop = (event: React.DragEvent) => {
    setOver(false);
    const path = event.dataTransfer.getData(DRAGGED);
    if (path) connect(path);
  };
  return (
    <div
      className="target" data-waiting={chosen !== null || undefined} data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)} onDrop={drop}
    >
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={550}>{name}{to === "email" && " *"}</Text>
        {chosen !== null && (
          <Button size="compact-xs" variant="light" leftSection={<IconArrowLeft size={12} />} onClick={() => connect(chosen)} aria-label={t("connect_to", { field: name })}>
            {t("connect")}
          </Button>
        )}
        {rule && chosen === null && (
          <ActionIcon variant="subtle" color="gray" onClick={disconnect} aria-label={t("disconnect", { field: name })}><IconX size={16} /></ActionIcon>
        )}
      </Group>
      {rule && (
        <Group gap="xs" mt={4}>
          <Badge variant="default" tt="none" ff="monospace" maw="100%">{sourceOf(rule)}</Badge>
          <Select
            size="xs" w={150} aria-label={t("transform_of", { field: name })} placeholder={t("as_it_is")} clearable
            clearButtonProps={{ "aria-label": t("clear") }}
            data={[...new Set([...TRANSFORMS, ...filters])].map((value) => ({ value, label: transformName(t, value) }))}
            value={filters[0] ?? null} onChange={transform} disabled={filters.length > 1}
          />
        </Group>
      )}
    </div>
  );
}

function transformName(t: ReturnType<typeof useTexts>, filter: string): string {
  const known = TRANSFORMS.find((name) => name === filter);
  return known ? t(`transform_${known}`) : filter;
}

function sourceOf(rule: Rule): string {
  return rule.from ?? rule.template ?? JSON.stringify(rule.value);
}

function useCustomFields(): string[] {
  const fields = useQuery({
    queryKey: ["custom-fields", "all"],
    queryFn: async () => (await answer(api.GET("/custom-fields", { params: { query: { limit: 200 } } }))).data,
  });
  return fields.data?.map(({ name }) => name) ?? [];
}

/** What would become of the sample. A fault of a rule is an error of the preview, in the server's words. */
function usePreview(id: string, payload: unknown, rules: Rule[]) {
  const [calm] = useDebouncedValue(rules, CALM);
  return useQuery({
    queryKey: ["incoming", id, "preview", payload, calm],
    queryFn: () =>
      answer(api.POST("/incoming-webhooks/{id}/preview", {
        params: { path: { id } },
        body: { payload: payload as never, mapping: calm.length > 0 ? calm : null },
      })),
    placeholderData: keepPreviousData,
    retry: (count, error) => count < 1 && error instanceof ApiProblem && error.isOffline,
  });
}
