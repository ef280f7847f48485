import { Group, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { EntryDrawer, Facts, Section } from "../activity/EntryDrawer";
import { Moment } from "../components/small";
import { useTexts, useWord } from "../texts";
import { loadAuditEntry, pageOf, type AuditEntry } from "./auditRows";
import { useDeed, useWho } from "./words";

interface AuditDrawerProps {
  id: string | undefined;
  onClose: () => void;
}

/** One entry: who did what to what, and what was another before. */
export function AuditDrawer({ id, onClose }: AuditDrawerProps) {
  const t = useTexts();
  // Nobody changes an entry.
  const entry = useQuery({ queryKey: ["audit", "entry", id], queryFn: () => loadAuditEntry(id ?? ""), enabled: id !== undefined, staleTime: Infinity });
  return (
    <EntryDrawer title={t("audit_entry")} id={id} entry={entry} onClose={onClose}>
      {(entry) => <Detail key={entry.id} entry={entry} />}
    </EntryDrawer>
  );
}

function Detail({ entry }: { entry: AuditEntry }) {
  const t = useTexts();
  const word = useWord();
  const who = useWho();
  const deed = useDeed();
  const { actor, target, changes } = entry;
  const name = target.name ?? target.id;
  const page = pageOf(entry);
  return (
    <Stack>
      <Group gap="xs"><Text fw={550}>{deed(entry)}</Text><Moment at={entry.at} /></Group>
      <Facts
        facts={[
          [t("filter_target"), page ? <Link key="target" className="link" to={page}>{name ?? word("target", target.kind)}</Link> : name],
          [t("filter_actor"), who(entry)],
          [t("audit_kind"), word("actor", actor.kind)],
          [t("audit_address"), entry.address],
          [t("audit_action"), <code key="action">{entry.action}</code>],
          [t("audit_target_id"), target.id && <code key="id">{target.id}</code>],
          [t("audit_request"), entry.request_id && <code key="request">{entry.request_id}</code>],
          [t("entry_id"), <code key="entry">{entry.id}</code>],
        ]}
      />
      <Section title={t("audit_changes")}>
        {changes.length === 0 ? <Text size="sm" c="dimmed">{t("audit_no_changes")}</Text> : <Changes changes={changes} />}
      </Section>
    </Stack>
  );
}

function Changes({ changes }: Pick<AuditEntry, "changes">) {
  const t = useTexts();
  return (
    <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t("audit_changes") } }}>
      <Table verticalSpacing={4} fz="sm" aria-label={t("audit_changes")}>
        <Table.Thead><Table.Tr><Table.Th>{t("field")}</Table.Th><Table.Th>{t("before")}</Table.Th><Table.Th>{t("after")}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {changes.map((change) => (
            <Table.Tr key={change.field}>
              <Table.Td><code>{change.field}</code></Table.Td>
              <Table.Td className="wrapping">{shown(change.old)}</Table.Td>
              <Table.Td className="wrapping">{shown(change.new)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "—";
  return typeof value === "string" ? value : JSON.stringify(value);
}
