import { Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { useTexts, useWord } from "../texts";
import type { LogFilters } from "./filters";

/** How long after the last key is searched, in milliseconds. */
const CALM = 300;

interface FilterBarProps {
  filters: LogFilters;
  statuses: readonly string[];
  onChange: (change: LogFilters) => void;
  children?: ReactNode;
}

export function FilterBar({ filters, statuses, onChange, children }: FilterBarProps) {
  const t = useTexts();
  const word = useWord();
  const [typed, setTyped] = useState(filters.q ?? "");
  const search = useDebouncedCallback((q: string) => onChange({ q: q || undefined }), CALM);
  return (
    <Group gap="xs" align="flex-end">
      <TextInput
        aria-label={t("search")} placeholder={t("search")} leftSection={<IconSearch size={16} />} flex={1} miw={180}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          search(event.currentTarget.value.trim());
        }}
      />
      {statuses.length > 0 && <Select
        aria-label={t("status")} placeholder={t("any_status")} clearable w={190} clearButtonProps={{ "aria-label": t("clear") }}
        data={statuses.map((status) => ({ value: status, label: word("status", status) }))}
        value={filters.status ?? null} onChange={(status) => onChange({ status: status ?? undefined })}
      />}
      {children}
    </Group>
  );
}
