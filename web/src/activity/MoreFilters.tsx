import { Paper, Select, SimpleGrid, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { EventTypeInput } from "../components/EventTypeInput";
import { useTexts, useWord } from "../texts";
import { fromLocal, TARGETS, toLocal, type FilterName, type Filters } from "./filters";

interface MoreFiltersProps {
  filters: Filters;
  names: readonly FilterName[];
  onChange: (change: Filters) => void;
}

/** The filters that one needs now and then. */
export function MoreFilters({ filters, names, onChange }: MoreFiltersProps) {
  const t = useTexts();
  const word = useWord();
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
        {names.includes("event_type") && (
          <Settled value={filters.event_type} onSettle={(event_type) => onChange({ event_type })}>
            {(text, set, settle) => <EventTypeInput label={t("filter_event_type")} value={text} onChange={set} onBlur={settle} onOptionSubmit={(chosen) => onChange({ event_type: chosen })} />}
          </Settled>
        )}
        {(["since", "until"] as const).map((name) => (
          <Settled key={name} value={toLocal(filters[name]) || undefined} onSettle={(local) => onChange({ [name]: fromLocal(local ?? "") })}>
            {(text, set, settle) => (
              <TextInput
                type="datetime-local" label={t(`filter_${name}`)} value={text} onChange={(event) => set(event.currentTarget.value)} onBlur={settle}
                onKeyDown={(event) => event.key === "Enter" && settle()}
              />
            )}
          </Settled>
        ))}
        {names.filter((name) => !CHOSEN.includes(name)).map((name) => (
          <Settled key={name} value={filters[name]} onSettle={(value) => onChange({ [name]: value })}>
            {(text, set, settle) => (
              <TextInput
                label={t(`filter_${name}`)} placeholder={EXAMPLES[name]} value={text} onChange={(event) => set(event.currentTarget.value)} onBlur={settle}
                onKeyDown={(event) => event.key === "Enter" && settle()}
              />
            )}
          </Settled>
        ))}
        {names.includes("action") && (
          <Select
            label={t("filter_action")} searchable clearable clearButtonProps={{ "aria-label": t("clear") }} placeholder={t("all")}
            data={[...new Set([...TARGETS, ...(filters.action ? [filters.action] : [])])].map((value) => ({ value, label: word("target", value) }))}
            value={filters.action ?? null} onChange={(action) => onChange({ action: action ?? undefined })}
          />
        )}
        {names.includes("test") && (
          <Select
            label={t("filter_test")} clearable clearButtonProps={{ "aria-label": t("clear") }} placeholder={t("tests_any")}
            data={["true", "false"].map((value) => ({ value, label: word("tests", value) }))}
            value={filters.test ?? null} onChange={(test) => onChange({ test: test ?? undefined })}
          />
        )}
      </SimpleGrid>
    </Paper>
  );
}

/** What is chosen and not typed. */
const CHOSEN: readonly FilterName[] = ["event_type", "test", "action"];
const EXAMPLES: Partial<Record<FilterName, string>> = { sender_ip: "203.0.113.0/24", http_status: "429,5xx", error_code: "timeout", actor: "ada@example.com" };

interface SettledProps {
  value: string | undefined;
  onSettle: (value: string | undefined) => void;
  children: (text: string, set: (text: string) => void, settle: () => void) => ReactNode;
}

/** A text that counts once one leaves it, since half an address is none; it follows the address bar. */
function Settled({ value, onSettle, children }: SettledProps) {
  const [seen, setSeen] = useState(value);
  const [text, setText] = useState(value ?? "");
  if (value !== seen) {
    setSeen(value);
    setText(value ?? "");
  }
  const settle = () => {
    const wanted = text.trim() || undefined;
    if (wanted !== value) onSettle(wanted);
  };
  return children(text, setText, settle);
}
