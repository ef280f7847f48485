import { MultiSelect, Paper, Select, SimpleGrid, Switch, TagsInput, Title } from "@mantine/core";
import type { Schemas } from "../api/client";
import { useTexts, useWord } from "../texts";
import { useLists, useTags } from "./catalogues";
import { STATUSES } from "./statuses";
import type { Options } from "./upload";

const DELIMITERS = ["comma", "semicolon", "tab", "pipe"] as const satisfies Schemas["Delimiter"][];

interface ImportOptionsProps {
  options: Options;
  /** The one that was found out. */
  delimiter: Schemas["Delimiter"];
  onChange: (change: Partial<Options>) => void;
}

/** What holds for all rows. */
export function ImportOptions({ options, delimiter, onChange }: ImportOptionsProps) {
  const t = useTexts();
  const word = useWord();
  const lists = useLists().data ?? [];
  const tags = useTags().data ?? [];
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h4" mb="sm">{t("import_options")}</Title>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <MultiSelect
          label={t("import_lists")} searchable data={lists.map(({ id, name }) => ({ value: String(id), label: name }))}
          value={options.lists} onChange={(chosen) => onChange({ lists: chosen })}
        />
        <TagsInput label={t("import_tags")} data={tags.map(({ name }) => name)} value={options.tags} onChange={(chosen) => onChange({ tags: chosen })} />
        <Select
          label={t("import_status")} allowDeselect={false} data={STATUSES.map((name) => ({ value: name, label: word("status", name) }))}
          value={options.status} onChange={(name) => onChange({ status: STATUSES.find((status) => status === name) ?? "subscribed" })}
        />
        <Select
          label={t("import_delimiter")} allowDeselect={false} data={DELIMITERS.map((name) => ({ value: name, label: t(`delimiter_${name}`) }))}
          value={options.delimiter ?? delimiter} onChange={(name) => onChange({ delimiter: DELIMITERS.find((known) => known === name), columns: [] })}
        />
      </SimpleGrid>
      <Switch
        mt="md" label={t("import_update")} description={t("import_update_about")} checked={options.update_existing}
        onChange={(event) => onChange({ update_existing: event.currentTarget.checked })}
      />
    </Paper>
  );
}
