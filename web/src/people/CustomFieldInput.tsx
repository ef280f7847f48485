import { JsonInput, MultiSelect, NumberInput, Select, TextInput } from "@mantine/core";
import type { Schemas } from "../api/client";
import { useTexts } from "../texts";

/** A value of a custom field: what the API has, or for JSON that is being typed the text of it. */
export type FieldValue = unknown;

interface CustomFieldInputProps {
  field: Pick<Schemas["CustomField"], "label" | "description" | "type" | "options">;
  value: FieldValue;
  onChange: (value: FieldValue) => void;
  error?: string;
}

/** The value of a custom field, by its type. Empty is no value. */
export function CustomFieldInput({ field, value, onChange, error }: CustomFieldInputProps) {
  const t = useTexts();
  const { label, description, type, options } = field;
  const shared = { label, description: description || undefined, error };
  const clear = { clearable: true, clearButtonProps: { "aria-label": t("clear") } };
  const text = value === null || value === undefined ? "" : String(value);
  switch (type) {
    case "number":
      return <NumberInput {...shared} hideControls value={typeof value === "number" ? value : text} onChange={(typed) => onChange(typed === "" ? null : typed)} />;
    case "boolean":
      return (
        <Select
          {...shared} {...clear} value={typeof value === "boolean" ? String(value) : null}
          data={[{ value: "true", label: t("yes") }, { value: "false", label: t("no") }]} onChange={(chosen) => onChange(chosen === null ? null : chosen === "true")}
        />
      );
    case "choice":
      return <Select {...shared} {...clear} searchable value={text || null} data={known(options, text ? [text] : [])} onChange={onChange} />;
    case "multi_choice": {
      const chosen = Array.isArray(value) ? value.map(String) : [];
      return <MultiSelect {...shared} {...clear} searchable value={chosen} data={known(options, chosen)} onChange={(values) => onChange(values.length > 0 ? values : null)} />;
    }
    case "date":
      // A moment keeps its form; a day gets the browser's calendar.
      return <TextInput {...shared} type={/^(\d{4}-\d{2}-\d{2})?$/.test(text) ? "date" : "text"} value={text} onChange={(event) => onChange(event.currentTarget.value || null)} />;
    case "json":
      return <JsonInput {...shared} autosize minRows={2} maxRows={10} validationError={t("not_json")} value={typeof value === "string" ? value : shown(value)} onChange={(typed) => onChange(typed || null)} />;
    default:
      return <TextInput {...shared} value={typeof value === "object" ? shown(value) : text} onChange={(event) => onChange(event.currentTarget.value || null)} />;
  }
}

/** The options, and what is chosen although it is none any more. */
function known(options: string[] | undefined, chosen: string[]): string[] {
  return [...new Set([...(options ?? []), ...chosen])];
}

function shown(value: unknown): string {
  return value === null || value === undefined ? "" : JSON.stringify(value, null, 2);
}
