import { Alert, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { IconWand } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { Editable, MayWrite } from "../components/MayWrite";
import { NewNamed } from "../components/NewNamed";
import { saveThen } from "../components/saving";
import { Trouble } from "../components/Trouble";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { nameOf } from "../people/CustomFieldsPage";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";
import { connected, leavesOf, replaced, suggested, treeOf, type Rule } from "./mapping";
import { MappingPreview } from "./MappingPreview";
import { usePasted, useSamplePayload } from "./requests";
import { SampleTree } from "./SampleTree";
import { TargetRow } from "./TargetRow";
import { SampleInput } from "./SampleInput";

const FIELDS = ["email", "first_name", "last_name", "name", "phone", "company", "source", "status"];
const NEW_FIELD = { name: "" };
/** How long after the last change the preview is asked for, in milliseconds. */
const CALM = 300;

/** The sample on the left, the subscriber's fields on the right: click one, then the other, or drag. */
export function MappingEditor({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const came = useSamplePayload(webhook);
  const { pasted, paste } = usePasted(webhook.id);
  const draft = useDraft<Rule[]>(`incoming/${webhook.id}/mapping`, webhook.mapping ?? []);
  const { value: rules, set: setRules, dirty } = draft;
  const [chosen, setChosen] = useState<string | null>(null);
  const change = useChangeIncoming(webhook.id);
  const fields = useCustomFields();
  const sample = came.value;
  const tree = useMemo(() => treeOf(sample), [sample]);
  const leaves = leavesOf(tree);
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
      <MayWrite says>
        <Group gap="xs">
          <Button loading={change.isPending} disabled={!dirty} onClick={() => saveThen(change, { mapping: rules.length > 0 ? rules : null }, draft.reset)}>{t("save")}</Button>
          <Button variant="default" leftSection={<IconWand size={16} />} onClick={() => setRules(suggested(rules, leaves, fields))}>{t("suggest")}</Button>
          {dirty && <Button variant="default" onClick={draft.reset}>{t("undo_changes")}</Button>}
        </Group>
      </MayWrite>
      <DraftNotes draft={draft} />
      {change.isError && <Trouble error={change.error} />}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="lg">
        <Column title={t("sample")}>
          {came.isOurs && <Alert color="blue">{t("sample_is_ours")}</Alert>}
          <SampleTree label={t("sample")} tree={tree} chosen={chosen} choose={setChosen} />
          <MayWrite>
            {pasted && <Button variant="subtle" onClick={() => paste(null)}>{t("forget_pasted")}</Button>}
            <SampleInput webhookId={webhook.id} onPasted={paste} />
          </MayWrite>
        </Column>
        <Column title={t("subscriber")}>
          <Editable>
            <Stack gap="xs">
              {[...targets, ...others].map((to) => (
                <TargetRow
                  key={to} to={to} rules={rules.filter((rule) => rule.to === to)} leaves={leaves} chosen={chosen}
                  connect={(from) => connect(to, from)}
                  replace={(before, after) => setRules(replaced(rules, before, after))}
                  remove={(removed) => setRules(rules.filter((rule) => rule !== removed))}
                />
              ))}
            </Stack>
          </Editable>
          <MayWrite><NewField /></MayWrite>
        </Column>
        <MayWrite>
          <Column title={t("result")}>
            {preview.isError ? <Trouble error={preview.error} /> : preview.data && <MappingPreview preview={preview.data} />}
          </Column>
        </MayWrite>
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

/** A field that there is not yet, made without leaving the mapping. */
function NewField() {
  const t = useTexts();
  return (
    <NewNamed
      title={t("new_custom_field")} label={t("name")} field="name" draftKey="mapping/new-field" initial={NEW_FIELD} queryKey={["custom-fields"]}
      create={({ name: label }) => answer(api.POST("/custom-fields", { body: { label, name: nameOf(label), type: "text" } }))}
    />
  );
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
  const may = useMay();
  return useQuery({
    queryKey: ["incoming", id, "preview", payload, calm],
    queryFn: () =>
      answer(api.POST("/incoming-webhooks/{id}/preview", {
        params: { path: { id } },
        body: { payload: payload as never, mapping: calm.length > 0 ? calm : null },
      })),
    enabled: may("write"),
    placeholderData: keepPreviousData,
    retry: (count, error) => count < 1 && error instanceof ApiProblem && error.isOffline,
  });
}
