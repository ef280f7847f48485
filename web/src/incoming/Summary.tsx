import { Group, Stack, Text } from "@mantine/core";
import { StatusBadge } from "../components/small";
import { useTexts, useWord } from "../texts";
import type { IncomingWebhook } from "./IncomingPage";
import { useLists } from "./lists";
import { summaryOf } from "./summary";

/** What this webhook does, in plain words. */
export function Summary({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const word = useWord();
  const lists = useLists();
  const list = (id: number) => lists.find(({ value }) => value === String(id))?.label ?? `#${id}`;
  return (
    <Stack gap={6}>
      <Group gap="xs"><StatusBadge status={webhook.status} /></Group>
      {summaryOf(webhook, t, { list, status: (status) => word("status", status) }).map((said) => (
        <Text key={said} size="sm" component="span" className="wrapping">{said}</Text>
      ))}
    </Stack>
  );
}
