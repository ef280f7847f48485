import { Select, Text } from "@mantine/core";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { DeleteRow } from "../components/DeleteRow";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { useTexts } from "../texts";

const KEY = ["custom-fields"];
/** Those of choices need their options, which the API takes. */
const TYPES = ["text", "number", "date", "boolean", "json"] as const satisfies Schemas["FieldType"][];

export function CustomFieldsPage() {
  const t = useTexts();
  const [type, setType] = useState<(typeof TYPES)[number]>("text");
  const create = (label: string) => answer(api.POST("/custom-fields", { body: { label, name: nameOf(label), type } }));
  const form = (
    <NewNamed title={t("new_custom_field")} label={t("name")} field="name" queryKey={KEY} create={create}>
      <Select
        label={t("type")} allowDeselect={false} value={type} data={TYPES.map((value) => ({ value, label: t(`type_${value}`) }))}
        onChange={(chosen) => setType(TYPES.find((name) => name === chosen) ?? "text")}
      />
    </NewNamed>
  );
  return (
    <Page title={t("custom_fields")} about={t("custom_fields_about")} actions={form}>
      <Listing
        label={t("custom_fields")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/custom-fields", { params: { query: { cursor } } }))}
        rowKey={({ name }) => name}
        empty={{ title: t("custom_fields_none"), advice: t("custom_fields_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ label }) => <Text size="sm" fw={550}>{label}</Text> },
          { title: t("technical_name"), cell: ({ name }) => <Text size="sm" ff="monospace">{name}</Text> },
          { title: t("type"), cell: ({ type }) => <Text size="sm">{typeName(t, type)}</Text> },
          { title: t("delete"), cell: ({ name, label }) => (
            <DeleteRow question={t("delete_custom_field_question", { name: label })} queryKey={KEY} remove={() => answer(api.DELETE("/custom-fields/{name}", { params: { path: { name } } }))} />
          ) },
        ]}
      />
    </Page>
  );
}

/** What the API calls a field that people call `label`. */
export function nameOf(label: string): string {
  const plain = label.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
}

function typeName(t: ReturnType<typeof useTexts>, type: string): string {
  const known = TYPES.find((name) => name === type);
  return known ? t(`type_${known}`) : type;
}
