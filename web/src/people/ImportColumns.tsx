import { Paper, Select, Table, Text, Title } from "@mantine/core";
import type { Schemas } from "../api/client";
import { useTexts, useWord } from "../texts";
import { useCustomFields } from "./catalogues";
import { UNWANTED } from "./upload";

const FIELDS = ["email", "first_name", "last_name", "name", "phone", "company", "source", "status"] as const;

interface ImportColumnsProps {
  columns: Schemas["ImportColumn"][];
  onChange: (columns: string[]) => void;
}

/** Which field each column of the file goes to. */
export function ImportColumns({ columns, onChange }: ImportColumnsProps) {
  const t = useTexts();
  const word = useWord();
  const custom = useCustomFields().data ?? [];
  const now = columns.map(({ to }) => to ?? UNWANTED);
  const choose = (position: number, to: string) => onChange(now.map((before, index) => (index === position ? to : before === to && to !== "tags" ? UNWANTED : before)));
  const declared = custom.map(({ name, label }) => ({ value: `custom_field.${name}`, label }));
  const other = now.filter((to) => to.startsWith("custom_field.") && !declared.some(({ value }) => value === to)).map((to) => ({ value: to, label: to.slice("custom_field.".length) }));
  const fields = [
    { group: t("import_standard"), items: [...FIELDS.map((name) => ({ value: name, label: word("field", name) })), { value: "tags", label: t("tags") }] },
    { group: t("custom_fields"), items: [...declared, ...other] },
    { group: t("import_nothing"), items: [{ value: UNWANTED, label: t("import_unwanted") }] },
  ];
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h4" mb="xs">{t("import_columns")}</Title>
      <Text size="sm" c="dimmed" mb="sm">{t("import_columns_about")}</Text>
      <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t("import_columns") } }}>
        <Table verticalSpacing="xs" aria-label={t("import_columns")}>
          <Table.Thead><Table.Tr><Table.Th>{t("import_column")}</Table.Th><Table.Th>{t("import_examples")}</Table.Th><Table.Th>{t("import_goes_to")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {columns.map(({ name, examples }, position) => (
              <Table.Tr key={`${position} ${name}`}>
                <Table.Td fw={550}>{name || "—"}</Table.Td>
                <Table.Td><Text size="sm" c="dimmed" lineClamp={1}>{examples.filter(Boolean).join(" · ") || "—"}</Text></Table.Td>
                <Table.Td>
                  <Select
                    aria-label={t("import_field_of", { name })} allowDeselect={false} searchable miw={180} data={fields.filter(({ items }) => items.length > 0)}
                    value={now[position] ?? UNWANTED} onChange={(to) => to && choose(position, to)}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}
