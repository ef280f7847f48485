import { ActionIcon, Autocomplete, Button, Fieldset, Group, Select, SegmentedControl, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useTexts } from "../texts";
import { kindOf, ofKind, parseFilter, writeFilter, type Kind, type Leaf, type Rule } from "./mapping";

interface RuleFieldsProps {
  rule: Rule;
  leaves: Leaf[];
  onChange: (rule: Rule) => void;
}

/** All that a rule can say: where its value comes from, when, and what is done with it. */
export function RuleFields({ rule, leaves, onChange }: RuleFieldsProps) {
  const t = useTexts();
  const kind = kindOf(rule);
  const set = (change: Partial<Rule>) => onChange({ ...rule, ...change });
  const text = (value: unknown) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));
  return (
    <Stack>
      <SegmentedControl
        aria-label={t("value_from")} value={kind} onChange={(chosen) => onChange(ofKind(rule, chosen as Kind))}
        data={(["from", "template", "value"] as const).map((value) => ({ value, label: t(`kind_${value}`) }))}
      />
      {kind === "from" && (
        <Autocomplete label={t("kind_from")} description={t("kind_from_about")} classNames={{ input: "mono" }} data={leaves.map(({ path }) => path)} value={rule.from ?? ""} onChange={(from) => set({ from })} />
      )}
      {kind === "template" && (
        <TextInput
          label={t("kind_template")} description={t("kind_template_about")} placeholder="{data.first_name} {data.last_name}" value={rule.template ?? ""}
          onChange={(event) => set({ template: event.currentTarget.value })}
        />
      )}
      {kind === "value" && <TextInput label={t("kind_value")} description={t("kind_value_about")} value={text(rule.value)} onChange={(event) => set({ value: event.currentTarget.value })} />}
      <Filters filters={rule.filters ?? []} onChange={(filters) => set({ filters })} />
      <DateFields date={rule.date ?? null} onChange={(date) => set({ date })} />
      <Group grow align="flex-start">
        <TextInput
          label={t("only_if")} description={t("only_if_about")} placeholder="data.plan == 'pro'" value={rule.when ?? ""}
          onChange={({ currentTarget: { value } }) => set(value ? { when: value } : { when: null, otherwise: undefined })}
        />
        <TextInput
          label={t("otherwise")} description={t("otherwise_about")} disabled={!rule.when} value={text(rule.otherwise)}
          onChange={(event) => set({ otherwise: event.currentTarget.value || undefined })}
        />
      </Group>
      <TextInput label={t("default_value")} description={t("default_value_about")} value={text(rule.default)} onChange={(event) => set({ default: event.currentTarget.value || undefined })} />
    </Stack>
  );
}

const FILTERS = ["trim", "lower", "upper", "title", "first_name", "last_name", "split_name", "phone", "country_code", "number", "boolean", "parse_json", "hash"] as const;
/** Those that take an argument, with an example of one. */
const ARGUMENTS: Record<string, string> = { phone: "IT", number: ",", hash: "sha512" };

/** What is done with the value, one after the other. */
function Filters({ filters, onChange }: { filters: string[]; onChange: (filters: string[]) => void }) {
  const t = useTexts();
  const replace = (at: number, filter: string) => onChange(filters.map((other, index) => (index === at ? filter : other)));
  const nameOf = (name: string) => {
    const known = FILTERS.find((filter) => filter === name);
    return known ? t(`transform_${known}`) : name;
  };
  return (
    <Fieldset legend={t("transforms")}>
      <Stack gap="xs">
        {filters.length === 0 && <Text size="sm" c="dimmed">{t("as_it_is")}</Text>}
        {filters.map((text, index) => {
          const { name, argument } = parseFilter(text);
          const names = [...new Set<string>([...FILTERS, name])];
          return (
            <Group key={index} gap="xs" wrap="nowrap">
              <Select
                flex={1} aria-label={t("transform_n", { n: index + 1 })} allowDeselect={false} value={name} data={names.map((value) => ({ value, label: nameOf(value) }))}
                onChange={(chosen) => chosen && replace(index, chosen)}
              />
              {ARGUMENTS[name] && (
                <TextInput
                  w={110} aria-label={t("transform_argument", { n: index + 1 })} placeholder={ARGUMENTS[name]} value={argument}
                  onChange={(event) => replace(index, writeFilter({ name, argument: event.currentTarget.value }))}
                />
              )}
              <ActionIcon variant="default" size="lg" onClick={() => onChange(filters.filter((_, other) => other !== index))} aria-label={t("transform_remove", { n: index + 1 })}><IconTrash size={16} /></ActionIcon>
            </Group>
          );
        })}
        <div><Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => onChange([...filters, "trim"])}>{t("transform_add")}</Button></div>
      </Stack>
    </Fieldset>
  );
}

const FORMS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M", "unix", "unix_ms"];

/** A date in another form. */
function DateFields({ date, onChange }: { date: NonNullable<Rule["date"]> | null; onChange: (date: Rule["date"]) => void }) {
  const t = useTexts();
  const set = (change: NonNullable<Rule["date"]>) => onChange({ ...date, ...change });
  return (
    <Stack gap="xs">
      <Switch label={t("is_date")} checked={date !== null} onChange={(event) => onChange(event.currentTarget.checked ? {} : null)} />
      {date && (
        <Group grow align="flex-start">
          <Autocomplete label={t("date_from")} placeholder={t("date_from_hint")} data={FORMS} value={date.from ?? ""} onChange={(from) => set({ from: from || null })} />
          <Autocomplete label={t("date_to")} placeholder="%Y-%m-%d" data={FORMS} value={date.to ?? ""} onChange={(to) => set({ to: to || null })} />
          <Autocomplete label={t("time_zone")} placeholder="UTC" limit={20} data={Intl.supportedValuesOf("timeZone")} value={date.timezone ?? ""} onChange={(timezone) => set({ timezone: timezone || null })} />
        </Group>
      )}
    </Stack>
  );
}
