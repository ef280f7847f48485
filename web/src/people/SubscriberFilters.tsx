import { Autocomplete, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useTexts, useWord } from "../texts";
import { useCustomFields, useLists, useTags } from "./catalogues";
import type { SubscriberSearch } from "./search";
import { STATUSES } from "./statuses";

/** How long after the last key is searched, in milliseconds. */
const CALM = 300;

interface SubscriberFiltersProps {
  search: SubscriberSearch;
  onChange: (change: SubscriberSearch) => void;
}

export function SubscriberFilters({ search, onChange }: SubscriberFiltersProps) {
  const t = useTexts();
  const word = useWord();
  const lists = useLists().data ?? [];
  const tags = useTags().data ?? [];
  const fields = useCustomFields().data ?? [];
  const [q, setQ] = useState(search.q ?? "");
  const [value, setValue] = useState(search.value ?? "");
  const later = useDebouncedCallback(onChange, CALM);
  const clear = { clearable: true, clearButtonProps: { "aria-label": t("clear") } };
  const field = fields.find(({ name }) => name === search.field);
  const named = search.field && !field ? [{ value: search.field, label: search.field }] : [];
  return (
    <Group gap="xs">
      <TextInput
        aria-label={t("search")} placeholder={t("search")} leftSection={<IconSearch size={16} />} flex={1} miw={180} value={q}
        onChange={(event) => {
          setQ(event.currentTarget.value);
          later({ q: event.currentTarget.value.trim() || undefined });
        }}
      />
      <Select
        {...clear} aria-label={t("status")} placeholder={t("any_status")} w={170}
        data={STATUSES.map((name) => ({ value: name, label: word("status", name) }))}
        value={STATUSES.find((name) => name === search.status) ?? null} onChange={(status) => onChange({ status: status ?? undefined })}
      />
      <Select
        {...clear} aria-label={t("list")} placeholder={t("any_list")} w={160} searchable data={lists.map(({ id, name }) => ({ value: String(id), label: name }))}
        value={search.list ?? null} onChange={(list) => onChange({ list: list ?? undefined })}
      />
      <Select
        {...clear} aria-label={t("tag")} placeholder={t("any_tag")} w={150} searchable data={[...new Set([...tags.map(({ name }) => name), ...(search.tag ? [search.tag] : [])])]}
        value={search.tag ?? null} onChange={(tag) => onChange({ tag: tag ?? undefined })}
      />
      {(fields.length > 0 || search.field) && (
        <Select
          {...clear} aria-label={t("custom_field")} placeholder={t("any_field")} w={160} searchable
          data={[...fields.map(({ name, label }) => ({ value: name, label })), ...named]} value={search.field ?? null}
          onChange={(name) => {
            setValue("");
            onChange({ field: name ?? undefined, value: undefined });
          }}
        />
      )}
      {search.field && (
        <Autocomplete
          aria-label={t("value")} placeholder={t("any_value")} w={150} value={value} data={field?.type === "boolean" ? ["true", "false"] : (field?.options ?? [])}
          onChange={(typed) => {
            setValue(typed);
            later({ value: typed.trim() || undefined });
          }}
        />
      )}
    </Group>
  );
}
