import { Button, Group, MultiSelect, Pill, Stack, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDisclosure } from "@mantine/hooks";
import { IconFilter, IconSearch } from "@tabler/icons-react";
import { useState, type ReactNode } from "react";
import { exactly } from "../components/moments";
import { useLanguage, useTexts, useWord } from "../texts";
import { narrowed, several, type FilterName, type Filters } from "./filters";
import { MoreFilters } from "./MoreFilters";

/** How long after the last key is searched, in milliseconds. */
const CALM = 300;

interface FilterBarProps {
  filters: Filters;
  statuses: readonly string[];
  /** The filters behind the button, beside the time. */
  more: readonly FilterName[];
  onChange: (change: Filters) => void;
  children?: ReactNode;
}

/** What narrows a log. What is set is always seen, and can be taken away one by one. */
export function FilterBar({ filters, statuses, more, onChange, children }: FilterBarProps) {
  const t = useTexts();
  const word = useWord();
  const [opened, { toggle }] = useDisclosure();
  const hidden = narrowed(filters).filter((name) => name !== "q" && (name !== "status" || statuses.length === 0));
  return (
    <Stack gap="xs">
      <Group gap="xs" align="flex-start">
        <SearchInput q={filters.q ?? ""} onChange={(q) => onChange({ q: q || undefined })} />
        {statuses.length > 0 && (
          <MultiSelect
            aria-label={t("status")} placeholder={filters.status ? undefined : t("any_status")} miw={170} clearable clearButtonProps={{ "aria-label": t("clear") }}
            data={statuses.map((status) => ({ value: status, label: word("status", status) }))}
            value={several(filters.status)} onChange={(chosen) => onChange({ status: chosen.join(",") || undefined })}
          />
        )}
        <Button variant="default" leftSection={<IconFilter size={16} />} onClick={toggle} aria-expanded={opened}>{t("more_filters")}</Button>
        {children}
      </Group>
      {opened && <MoreFilters filters={filters} names={more} onChange={onChange} />}
      {hidden.length > 0 && (
        <Group gap="xs">
          {hidden.map((name) => <Narrowing key={name} name={name} value={filters[name] ?? ""} onRemove={() => onChange({ [name]: undefined })} />)}
        </Group>
      )}
    </Stack>
  );
}

/** A text that is searched for when one stops typing, and that follows the address bar, as when one goes back. */
function SearchInput({ q, onChange }: { q: string; onChange: (q: string) => void }) {
  const t = useTexts();
  const [seen, setSeen] = useState(q);
  const [typed, setTyped] = useState(q);
  const [typing, setTyping] = useState(false);
  if (q !== seen) {
    setSeen(q);
    if (!typing) setTyped(q);
  }
  const search = useDebouncedCallback((text: string) => {
    setTyping(false);
    onChange(text);
  }, CALM);
  return (
    <TextInput
      aria-label={t("search")} placeholder={t("search")} leftSection={<IconSearch size={16} />} flex={1} miw={180} maxLength={500}
      value={typed}
      onChange={(event) => {
        setTyping(true);
        setTyped(event.currentTarget.value);
        search(event.currentTarget.value.trim());
      }}
    />
  );
}

function Narrowing({ name, value, onRemove }: { name: FilterName; value: string; onRemove: () => void }) {
  const t = useTexts();
  const word = useWord();
  const language = useLanguage();
  const label = t(`filter_${name}`);
  const said = name === "since" || name === "until" ? moment(value, language) : name === "test" ? word("tests", value) : name === "action" ? word("target", value) : value;
  return (
    <Pill withRemoveButton onRemove={onRemove} removeButtonProps={{ "aria-label": t("remove_filter", { name: label }), "aria-hidden": false, tabIndex: 0 }}>
      {label}: {said}
    </Pill>
  );
}

/** What someone typed into the address bar may be no moment; then the server says so. */
function moment(value: string, language: string): string {
  return Number.isNaN(Date.parse(value)) ? value : exactly(value, language);
}
