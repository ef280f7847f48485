/** Small things that many pages show. */
import { ActionIcon, Badge, Code, CopyButton, Group, Paper, ScrollArea, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useLanguage, useTexts, useWord } from "../texts";
import { ago, exactly } from "./moments";
import { useNow } from "./now";

const COLORS: Record<string, string> = {
  active: "teal", processed: "teal", delivered: "teal", subscribed: "teal", done: "teal",
  paused: "yellow", accepted: "blue", pending: "blue", retrying: "yellow",
  ready: "teal", not_ready: "red", running: "blue",
  failed: "red", rejected: "red", bounced: "red", complained: "red",
};

/** A status as a coloured word. The word is there because not everyone sees the colour. */
export function StatusBadge({ status }: { status: string }) {
  const word = useWord();
  return (
    <Badge className="status" data-tone={COLORS[status] ?? "gray"} variant="default" tt="none" leftSection={<span className="dot" />}>
      {word("status", status)}
    </Badge>
  );
}

/** When something was, as one says it; exactly when pointed at. */
export function Moment({ at }: { at: string | null | undefined }) {
  const language = useLanguage();
  const now = useNow();
  if (!at) return <Text component="span" size="sm" c="dimmed">—</Text>;
  return (
    <Tooltip label={exactly(at, language)}>
      <Text component="time" size="sm" dateTime={at} style={{ whiteSpace: "nowrap" }}>{ago(at, now, language)}</Text>
    </Tooltip>
  );
}

export function Copy({ value, label }: { value: string; label: string }) {
  const t = useTexts();
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t("copied") : label}>
          <ActionIcon variant="default" size="lg" onClick={copy} aria-label={label}>
            {copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A text to be copied, such as an address or a command. */
export function Copyable({ value, label }: { value: string; label: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code block flex={1} className="wrapping" aria-label={label}>{value}</Code>
      <Copy value={value} label={label} />
    </Group>
  );
}

/** JSON, indented; a text as it is. */
export function Json({ value, label, height = 360 }: { value: unknown; label: string; height?: number }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <Paper withBorder>
      <ScrollArea.Autosize mah={height} viewportProps={{ tabIndex: 0, "aria-label": label, role: "region" }}>
        <Code block className="wrapping">{text}</Code>
      </ScrollArea.Autosize>
    </Paper>
  );
}
