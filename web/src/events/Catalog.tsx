import { Accordion, Badge, Code, Group, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import type { Schemas } from "../api/client";
import { useEventTypes } from "../components/EventTypeInput";
import { Json } from "../components/small";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useTexts, useWord } from "../texts";
import { membersOf } from "./members";

/** Every kind of event, with its schema and an example. */
export function Catalog() {
  const t = useTexts();
  const kinds = useEventTypes();
  return (
    <Stack gap="sm">
      <Title order={2} size="h4">{t("event_catalog")}</Title>
      {kinds.isPending && <Waiting />}
      {kinds.isError && <Trouble error={kinds.error} retry={() => void kinds.refetch()} />}
      <Accordion variant="separated" multiple order={3}>
        {kinds.data?.map((kind) => (
          <Accordion.Item key={kind.name} value={kind.name}>
            <Accordion.Control><Summary kind={kind} /></Accordion.Control>
            <Accordion.Panel><Shape kind={kind} /></Accordion.Panel>
          </Accordion.Item>
        ))}
      </Accordion>
    </Stack>
  );
}

function Summary({ kind }: { kind: Schemas["EventTypeEntry"] }) {
  const t = useTexts();
  const word = useWord();
  const own = word("event_kind", kind.name);
  return (
    <Group gap="sm">
      <Code>{kind.name}</Code>
      {!kind.built_in && <Badge variant="default" tt="none">{t("kind_of_own")}</Badge>}
      <Text size="sm" c="dimmed">{kind.built_in && own !== kind.name ? own : kind.description}</Text>
    </Group>
  );
}

function Shape({ kind }: { kind: Schemas["EventTypeEntry"] }) {
  const t = useTexts();
  const members = membersOf(kind.schema);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Stack gap="xs">
        <Title order={4} size="h6">{t("kind_schema")}</Title>
        {members.length === 0 && <Text size="sm" c="dimmed">{t("kind_without_schema")}</Text>}
        {members.length > 0 && (
          <Table verticalSpacing={4} aria-label={t("kind_show", { name: kind.name })}>
            <Table.Tbody>
              {members.map(({ name, type, required }) => (
                <Table.Tr key={name}>
                  <Table.Td><Code>{name}</Code></Table.Td>
                  <Table.Td>{type}</Table.Td>
                  <Table.Td><Text size="xs" c="dimmed">{required ? "" : t("optional")}</Text></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
      <Stack gap="xs">
        <Title order={4} size="h6">{t("example")}</Title>
        {kind.example ? <Json value={kind.example} label={`${t("example")}: ${kind.name}`} height={260} /> : <Text size="sm" c="dimmed">—</Text>}
      </Stack>
    </SimpleGrid>
  );
}
