import { Alert, Group, Stack, Text } from "@mantine/core";
import type { Schemas } from "../api/client";
import { StatusBadge } from "../components/small";
import { useTexts, useWord } from "../texts";

/** The subscriber that would come of the sample, and what would happen. */
export function MappingPreview({ preview }: { preview: Schemas["Preview"] }) {
  const t = useTexts();
  const word = useWord();
  return (
    <Stack gap="sm" aria-live="polite">
      <Group><StatusBadge status={preview.status} /></Group>
      {preview.errors.map(({ field, message }) => <Alert key={field + message} color="red">{field}: {message}</Alert>)}
      {preview.warnings.map((warning) => <Alert key={warning} color="yellow">{warning}</Alert>)}
      {preview.subscribers.map(({ after }, index) => after && <Result key={index} subscriber={after} />)}
      {preview.subscribers.length === 0 && preview.records.map((record, index) => <Found key={index} record={record} />)}
      {preview.actions.map(({ type, status, detail, step }) => (
        <Group key={`${step} ${type}`} gap="xs" justify="space-between">
          <Text size="sm">{word("action", type)}</Text>
          <StatusBadge status={status} />
          {detail && <Text size="xs" c="dimmed" w="100%">{detail}</Text>}
        </Group>
      ))}
      <Text size="sm" c="dimmed">{t("would_send", { events: preview.events.length, deliveries: preview.deliveries.length })}</Text>
    </Stack>
  );
}

/** What was found, where it changes nobody: the subscriber is so already, or no action is done with it. */
function Found({ record: { left_out, mapping } }: { record: Schemas["PreviewRecord"] }) {
  const t = useTexts();
  const word = useWord();
  const rows = mapping.filter(({ value }) => value !== null && value !== undefined && value !== "");
  if (left_out) return <Text size="sm">{left_out}</Text>;
  if (rows.length === 0) return null;
  return (
    <>
      <dl className="facts">
        {rows.map(({ to, value }, index) => (
          <div key={index}>
            <dt>{to.startsWith("custom_field.") ? to.slice("custom_field.".length) : word("field", to)}</dt>
            <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
      <Text size="sm" c="dimmed">{t("nobody_changes")}</Text>
    </>
  );
}

function Result({ subscriber }: { subscriber: Schemas["Subscriber"] }) {
  const word = useWord();
  const { first_name, last_name, email, phone, company, source, custom_fields } = subscriber;
  const known = Object.entries({ email, first_name, last_name, phone, company, source })
    .map(([name, value]) => [word("field", name), value] as const);
  const rows = [...known, ...Object.entries(custom_fields)].filter(([, value]) => value !== null && value !== "");
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
