import { Group, NumberInput, Select, Stack, TagsInput, TextInput } from "@mantine/core";
import type { Schemas } from "../api/client";
import { ScriptInput } from "../components/ScriptInput";
import { useTexts } from "../texts";
import type { IncomingWebhook } from "./IncomingPage";

export type Advanced = Pick<
  IncomingWebhook,
  "filter" | "transform" | "records" | "event_path" | "parse_json" | "dedupe" | "rate_limit" | "sender_rate_limit" | "redact" | "log_retention" | "respond" | "on_unprocessable"
>;

interface AdvancedFieldsProps {
  advanced: Advanced;
  onChange: (change: Partial<Advanced>) => void;
  /** What the server says of a field, by its name. */
  faults: Record<string, string>;
}

const SCRIPT = "function transform(payload, headers) {\n  return payload;\n}";

/** What few need: how a payload is taken apart, and limits. */
export function AdvancedFields({ advanced, onChange, faults }: AdvancedFieldsProps) {
  const t = useTexts();
  const path = (name: "filter" | "records" | "event_path", placeholder: string) => (
    <TextInput
      label={t(name)} description={t(`${name}_about`)} placeholder={placeholder} value={advanced[name] ?? ""} error={faults[name]}
      onChange={(event) => onChange({ [name]: event.currentTarget.value || null })}
    />
  );
  const paths = (name: "parse_json" | "redact", placeholder: string) => (
    <TagsInput label={t(name)} description={t(`${name}_about`)} placeholder={placeholder} value={advanced[name]} onChange={(value) => onChange({ [name]: value })} error={faults[name]} />
  );
  return (
    <Stack>
      {path("filter", "data.status == 'subscribed'")}
      <ScriptInput
        label={t("transform")} description={t("transform_about")} placeholder={SCRIPT} value={advanced.transform ?? ""}
        onChange={(script) => onChange({ transform: script || null })} error={faults.transform}
      />
      {path("records", "data.items")}
      {path("event_path", "type")}
      {paths("parse_json", "data.payload")}
      <Dedupe dedupe={advanced.dedupe} onChange={(dedupe) => onChange({ dedupe })} faults={faults} />
      <Rate name="rate_limit" rate={advanced.rate_limit} onChange={(rate_limit) => onChange({ rate_limit })} error={faults["rate_limit.requests"] ?? faults["rate_limit.per_seconds"]} />
      <Rate name="sender_rate_limit" rate={advanced.sender_rate_limit} onChange={(sender_rate_limit) => onChange({ sender_rate_limit })} error={faults["sender_rate_limit.requests"] ?? faults["sender_rate_limit.per_seconds"]} />
      {paths("redact", "card.number")}
      <Retention retention={advanced.log_retention} onChange={(log_retention) => onChange({ log_retention })} faults={faults} />
      <Select
        label={t("respond")} allowDeselect={false} value={advanced.respond} onChange={(respond) => respond && onChange({ respond: respond as Advanced["respond"] })}
        data={(["processed", "accepted"] as const).map((value) => ({ value, label: t(`respond_${value}`) }))} error={faults.respond}
      />
      <Select
        label={t("on_unprocessable")} placeholder={t("as_sender_wants")} clearable clearButtonProps={{ "aria-label": t("clear") }} value={advanced.on_unprocessable}
        onChange={(value) => onChange({ on_unprocessable: value as Advanced["on_unprocessable"] })} error={faults.on_unprocessable}
        data={(["refuse", "accept"] as const).map((value) => ({ value, label: t(`on_unprocessable_${value}`) }))}
      />
    </Stack>
  );
}

function Dedupe({ dedupe, onChange, faults }: { dedupe: Schemas["Dedupe"] | null; onChange: (dedupe: Schemas["Dedupe"] | null) => void; faults: Record<string, string> }) {
  const t = useTexts();
  return (
    <Group grow align="flex-start" preventGrowOverflow={false}>
      <TextInput
        label={t("dedupe")} description={t("dedupe_about")} placeholder="data.event_id" value={dedupe?.key ?? ""} error={faults["dedupe.key"]}
        onChange={({ currentTarget: { value } }) => onChange(value ? { ...dedupe, key: value } : null)}
      />
      <NumberInput
        label={t("dedupe_hours")} min={1} max={720} disabled={!dedupe} w={140} value={(dedupe?.window_seconds ?? DAY) / HOUR} error={faults["dedupe.window_seconds"]}
        onChange={(hours) => dedupe && onChange({ ...dedupe, window_seconds: Math.round(Number(hours) * HOUR) })}
      />
    </Group>
  );
}

const HOUR = 3_600;
const DAY = 86_400;

interface RateProps {
  name: "rate_limit" | "sender_rate_limit";
  rate: Schemas["RateLimit"] | null;
  onChange: (rate: Schemas["RateLimit"] | null) => void;
  error: string | undefined;
}

/** So many in so many seconds; without a number there is no limit of its own. */
function Rate({ name, rate, onChange, error }: RateProps) {
  const t = useTexts();
  return (
    <Group grow align="flex-start" preventGrowOverflow={false}>
      <NumberInput
        label={t(name)} description={t(`${name}_about`)} min={1} placeholder={t("no_limit")} value={rate?.requests ?? ""} error={error}
        onChange={(requests) => onChange(requests === "" ? null : { per_seconds: rate?.per_seconds ?? 1, requests: Number(requests) })}
      />
      <NumberInput
        label={t("per_seconds")} aria-label={`${t(name)}: ${t("per_seconds")}`} min={1} disabled={!rate} w={140} value={rate?.per_seconds ?? 1}
        onChange={(seconds) => rate && onChange({ ...rate, per_seconds: Number(seconds) })}
      />
    </Group>
  );
}

type LogRetention = Schemas["LogRetention"];

function Retention({ retention, onChange, faults }: { retention: LogRetention | null; onChange: (retention: LogRetention | null) => void; faults: Record<string, string> }) {
  const t = useTexts();
  const set = (change: LogRetention) => {
    const next = { ...retention, ...change };
    onChange(next.days || next.entries ? next : null);
  };
  const field = (name: "days" | "entries") => (
    <NumberInput
      label={t(`log_${name}`)} min={1} placeholder={t("as_set_for_all")} value={retention?.[name] ?? ""} error={faults[`log_retention.${name}`]}
      onChange={(value) => set({ [name]: value === "" ? null : Number(value) })}
    />
  );
  return (
    <Group grow align="flex-start">
      {field("days")}
      {field("entries")}
    </Group>
  );
}
