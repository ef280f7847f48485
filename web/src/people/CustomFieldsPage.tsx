import { Button, Group, Select, TagsInput, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { EditNamed } from "../components/EditNamed";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { tellTrouble } from "../components/tell";
import { tellUndoable } from "../components/undo";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { Named } from "./ListsPage";

const KEY = ["custom-fields"];
const TYPES = ["text", "number", "date", "boolean", "choice", "multi_choice", "json"] as const satisfies Schemas["FieldType"][];
const MISMATCHES = ["keep_as_text", "drop"] as const satisfies Schemas["OnMismatch"][];

type Settings = Pick<Schemas["CustomField"], "label" | "description" | "type" | "options" | "on_mismatch">;

const NEW: Omit<Settings, "label"> & { name: string } = { name: "", description: "", type: "text", options: [], on_mismatch: "keep_as_text" };

export function CustomFieldsPage() {
  const t = useTexts();
  const may = useMay();
  const create = ({ name: label, ...settings }: typeof NEW) => answer(api.POST("/custom-fields", { body: { ...settings, label, name: nameOf(label) } }));
  const form = (
    <NewNamed title={t("new_custom_field")} label={t("name")} field="name" draftKey="custom-fields/new" initial={NEW} queryKey={KEY} create={create}>
      {(value, change, error) => <SettingsFields value={value} onChange={change} error={error} />}
    </NewNamed>
  );
  return (
    <Page title={t("custom_fields")} about={t("custom_fields_about")} actions={may("write") && form}>
      <Listing
        label={t("custom_fields")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/custom-fields", { params: { query: { cursor } } }))}
        rowKey={({ name }) => name}
        empty={{ title: t("custom_fields_none"), advice: t("custom_fields_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ label, description }) => <Named name={label} description={description} /> },
          { title: t("technical_name"), cell: ({ name }) => <Text size="sm" ff="monospace">{name}</Text> },
          { title: t("type"), cell: ({ type, options }) => <TypeOf type={type} options={options} /> },
          { title: t("subscribers"), cell: ({ name }) => <Link className="link" to="/subscribers" search={{ field: name }}>{t("with_value")}</Link> },
          ...(may("write") ? [{ title: t("actions"), cell: (field: Schemas["CustomField"]) => <Actions field={field} /> }] : []),
        ]}
      />
    </Page>
  );
}

function TypeOf({ type, options }: Pick<Settings, "type" | "options">) {
  const t = useTexts();
  return (
    <>
      <Text size="sm">{t(`type_${type}`)}</Text>
      {options && options.length > 0 && <Text size="xs" c="dimmed" lineClamp={1}>{options.join(", ")}</Text>}
    </>
  );
}

/** What is said of a field beside its name. */
function SettingsFields({ value, onChange, error }: { value: Omit<Settings, "label">; onChange: (change: Partial<Settings>) => void; error: unknown }) {
  const t = useTexts();
  const problems = error instanceof ApiProblem ? error.fields : {};
  const hasOptions = value.type === "choice" || value.type === "multi_choice";
  const choose = (chosen: string | null) => {
    const type = TYPES.find((name) => name === chosen) ?? "text";
    onChange({ type, options: type === "choice" || type === "multi_choice" ? value.options : [] });
  };
  return (
    <>
      <Select label={t("type")} allowDeselect={false} value={value.type} data={TYPES.map((name) => ({ value: name, label: t(`type_${name}`) }))} onChange={choose} error={problems.type} />
      {hasOptions && <TagsInput label={t("options")} placeholder={t("option_hint")} required value={value.options} onChange={(options) => onChange({ options })} error={problems.options} />}
      <Select
        label={t("on_mismatch")} allowDeselect={false} value={value.on_mismatch ?? "keep_as_text"} data={MISMATCHES.map((name) => ({ value: name, label: t(`on_mismatch_${name}`) }))}
        onChange={(chosen) => onChange({ on_mismatch: MISMATCHES.find((name) => name === chosen) ?? "keep_as_text" })}
      />
      <Textarea label={t("description")} autosize minRows={2} value={value.description} onChange={(event) => onChange({ description: event.currentTarget.value })} error={problems.description} />
    </>
  );
}

function Actions({ field }: { field: Schemas["CustomField"] }) {
  const t = useTexts();
  const client = useQueryClient();
  const { name, label, description, type, options, on_mismatch } = field;
  const initial: Settings = { label, description, type, options, on_mismatch };
  const params = { path: { name } };
  const refresh = () => client.invalidateQueries({ queryKey: KEY });
  // The values of subscribers stay, so the field can be declared again as it was.
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/custom-fields/{name}", { params })),
    onSuccess: () => tellUndoable(t("deleted", { name: label }), () => answer(api.POST("/custom-fields", { body: { name, ...initial } })).then(refresh)),
    onError: tellTrouble,
    onSettled: refresh,
  });
  return (
    <Group gap="xs" wrap="nowrap">
      <EditNamed name={label} draftKey={`custom-fields/${name}`} queryKey={KEY} initial={initial} save={(body) => answer(api.PATCH("/custom-fields/{name}", { params, body }))}>
        {(value, change, error) => (
          <>
            <TextInput label={t("name")} required value={value.label} onChange={(event) => change({ label: event.currentTarget.value })} error={error instanceof ApiProblem && error.fields.label} />
            <SettingsFields value={value} onChange={change} error={error} />
          </>
        )}
      </EditNamed>
      <Button size="compact-sm" variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>{t("delete")}</Button>
    </Group>
  );
}

/** What the API calls a field that people call `label`. */
export function nameOf(label: string): string {
  const plain = label.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
}
