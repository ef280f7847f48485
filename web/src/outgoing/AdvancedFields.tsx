import { Checkbox, Fieldset, Group, MultiSelect, NumberInput, Select, SimpleGrid, Stack, Switch, TagsInput, TextInput, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { useAsTyped } from "../components/asTyped";
import { JsonText } from "../components/JsonText";
import { ScriptInput } from "../components/ScriptInput";
import { useTexts } from "../texts";
import { FORMATS, METHODS, retryOf, SCHEDULES, SCHEMES, secondsOf, type OutgoingInput } from "./form";

interface AdvancedFieldsProps {
  form: OutgoingInput;
  onChange: (change: Partial<OutgoingInput>) => void;
  /** What the server said of each field. */
  fields: Record<string, string>;
}

const SCRIPT = "function transform(event, request) {\n  return request;\n}";

/** What most never need to touch, and some must. */
export function AdvancedFields(props: AdvancedFieldsProps) {
  const t = useTexts();
  const { form, onChange, fields } = props;
  return (
    <Stack>
      <Textarea label={t("description")} autosize minRows={1} maxLength={5000} value={form.description ?? ""} onChange={(event) => onChange({ description: event.currentTarget.value })} error={fields.description} />
      <Which {...props} />
      <How {...props} />
      <Pace {...props} />
      <Proof {...props} />
      <Kept {...props} />
      <ScriptInput
        label={t("outgoing_transform")} description={t("outgoing_transform_about")} placeholder={SCRIPT} value={form.transform ?? ""}
        onChange={(script) => onChange({ transform: script || null })} error={fields.transform}
      />
    </Stack>
  );
}

/** The most that the API gives at once. */
const MOST = 200;

function Which({ form, onChange, fields }: AdvancedFieldsProps) {
  const t = useTexts();
  const lists = useQuery({ queryKey: ["lists", "names"], queryFn: async () => (await answer(api.GET("/lists", { params: { query: { limit: MOST } } }))).data });
  const tags = useQuery({ queryKey: ["tags", "names"], queryFn: async () => (await answer(api.GET("/tags", { params: { query: { limit: MOST } } }))).data });
  return (
    <Fieldset legend={t("which_events")}>
      <Stack>
        <TextInput
          label={t("only_if")} description={t("outgoing_filter_about")} placeholder="data.status == 'subscribed'"
          value={form.filter ?? ""} onChange={(event) => onChange({ filter: event.currentTarget.value || null })} error={fields.filter}
        />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <MultiSelect
            label={t("only_lists")} placeholder={t("all")} searchable clearable clearButtonProps={{ "aria-label": t("clear") }}
            data={(lists.data ?? []).map(({ id, name }) => ({ value: String(id), label: name }))} value={(form.lists ?? []).map(String)}
            onChange={(chosen) => onChange({ lists: chosen.map(Number) })} error={fields.lists}
          />
          <TagsInput
            label={t("only_tags")} placeholder={t("all")} clearable clearButtonProps={{ "aria-label": t("clear") }}
            data={(tags.data ?? []).map(({ name }) => name)} value={form.tags ?? []} onChange={(tags) => onChange({ tags })} error={fields.tags}
          />
        </SimpleGrid>
      </Stack>
    </Fieldset>
  );
}

function How({ form, onChange, fields }: AdvancedFieldsProps) {
  const t = useTexts();
  return (
    <Fieldset legend={t("how_sent")}>
      <Stack>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <Select label={t("method")} allowDeselect={false} data={METHODS} value={form.method ?? "POST"} onChange={(method) => method && onChange({ method })} error={fields.method} />
          <Select label={t("format")} allowDeselect={false} data={FORMATS.map((value) => ({ value, label: t(`format_${value}`) }))} value={form.format ?? "json"} onChange={(format) => format && onChange({ format })} error={fields.format} />
          <Whole label={t("timeout")} description={t("timeout_about")} min={1} max={30} value={form.timeout_seconds ?? 30} onChange={(timeout_seconds) => onChange({ timeout_seconds: timeout_seconds ?? 30 })} error={fields.timeout_seconds} />
          <Whole label={t("connect_timeout")} description={t("connect_timeout_about")} min={1} max={10} value={form.connect_timeout_seconds ?? 10} onChange={(seconds) => onChange({ connect_timeout_seconds: seconds ?? 10 })} error={fields.connect_timeout_seconds} />
        </SimpleGrid>
        <Checkbox label={t("expect_json")} description={t("expect_json_about")} checked={form.expect_json ?? false} onChange={(event) => onChange({ expect_json: event.currentTarget.checked })} />
        <Checkbox label={t("gzip")} description={t("gzip_about")} checked={form.gzip ?? false} onChange={(event) => onChange({ gzip: event.currentTarget.checked })} />
      </Stack>
    </Fieldset>
  );
}

function Pace({ form, onChange, fields }: AdvancedFieldsProps) {
  const t = useTexts();
  const schedule = form.retry?.schedule ?? "default";
  const seconds: number[] | string = form.retry?.schedule_seconds ?? [];
  const [text, type] = useAsTyped(seconds, written, (text) => secondsOf(text) ?? text, (seconds) => onChange({ retry: retryOf("custom", seconds) }));
  const limit = form.rate_limit;
  return (
    <Fieldset legend={t("pace")}>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select
          label={t("retry_schedule")} allowDeselect={false} value={schedule} data={SCHEDULES.map((value) => ({ value, label: t(`retry_${value}`) }))} error={fields["retry.schedule"]}
          onChange={(chosen) => chosen && onChange({ retry: retryOf(chosen, seconds) })}
        />
        {schedule === "custom" && (
          <TextInput
            label={t("retry_seconds")} description={t("retry_seconds_about")} placeholder="60, 600, 3600" value={text}
            error={secondsOf(text) === undefined ? t("retry_seconds_wrong") : fields["retry.schedule_seconds"]}
            onChange={(event) => type(event.currentTarget.value)}
          />
        )}
        <Whole label={t("concurrency")} description={t("concurrency_about")} min={1} max={64} value={form.concurrency ?? 16} onChange={(concurrency) => onChange({ concurrency: concurrency ?? 16 })} error={fields.concurrency} />
        <Whole label={t("disable_after")} description={t("disable_after_about")} min={0} max={31_536_000} value={form.disable_after_seconds ?? undefined} onChange={(seconds) => onChange({ disable_after_seconds: seconds ?? null })} error={fields.disable_after_seconds} />
        <Group align="flex-start" grow>
          <Whole label={t("outgoing_rate_limit")} description={t("outgoing_rate_limit_about")} min={1} max={1_000_000} value={limit?.requests} onChange={(requests) => onChange({ rate_limit: requests === undefined ? null : { requests, per_seconds: limit?.per_seconds ?? 1 } })} error={fields["rate_limit.requests"]} />
          <Whole label={t("rate_seconds")} description={t("rate_seconds_about")} min={1} max={86_400} disabled={!limit} value={limit?.per_seconds ?? 1} onChange={(per_seconds) => limit && onChange({ rate_limit: { ...limit, per_seconds: per_seconds ?? 1 } })} error={fields["rate_limit.per_seconds"]} />
        </Group>
        <Switch label={t("in_order")} description={t("in_order_about")} checked={form.ordering === "subscriber"} onChange={(event) => onChange({ ordering: event.currentTarget.checked ? "subscriber" : "none" })} />
      </SimpleGrid>
    </Fieldset>
  );
}

function written(seconds: number[] | string): string {
  return typeof seconds === "string" ? seconds : seconds.join(", ");
}

function Proof({ form, onChange, fields }: AdvancedFieldsProps) {
  const t = useTexts();
  const schemes = form.signing?.schemes ?? ["x_webhook_signature", "standard_webhooks"];
  const custom = form.signing?.custom;
  const tls = form.tls;
  const setTls = (change: Partial<NonNullable<OutgoingInput["tls"]>>) => {
    const after = { ...tls, ...change };
    onChange({ tls: Object.values(after).some(Boolean) ? after : null });
  };
  return (
    <Fieldset legend={t("proof")}>
      <Stack>
        <Checkbox.Group label={t("signing_schemes")} value={schemes} onChange={(schemes) => onChange({ signing: { ...form.signing, schemes: SCHEMES.filter((name) => schemes.includes(name)) } })} error={fields["signing.schemes"]}>
          <Stack gap="xs" mt="xs">{SCHEMES.map((value) => <Checkbox key={value} value={value} label={t(`signing_${value}`)} />)}</Stack>
        </Checkbox.Group>
        {schemes.includes("custom") && (
          <JsonText
            label={t("signing_description")} description={t("signing_description_about")} strict value={custom} error={fields["signing.custom"]}
            onChange={(custom) => onChange({ signing: { ...form.signing, custom: custom as Schemas["CustomScheme"] } })}
          />
        )}
        <Pem label={t("client_certificate")} value={tls?.client_certificate} onChange={(client_certificate) => setTls({ client_certificate })} error={fields["tls.client_certificate"]} />
        <Pem label={t("client_key")} value={tls?.client_key} onChange={(client_key) => setTls({ client_key })} error={fields["tls.client_key"]} />
        <Pem label={t("ca")} value={tls?.ca} onChange={(ca) => setTls({ ca })} error={fields["tls.ca"]} />
      </Stack>
    </Fieldset>
  );
}

function Kept({ form, onChange, fields }: AdvancedFieldsProps) {
  const t = useTexts();
  const kept = form.log_retention;
  const setKept = (change: { days?: number | null; entries?: number | null }) => {
    const after = { ...kept, ...change };
    onChange({ log_retention: after.days || after.entries ? after : null });
  };
  return (
    <Fieldset legend={t("tab_log")}>
      <Stack>
        <TagsInput label={t("outgoing_redact")} description={t("outgoing_redact_about")} placeholder="data.card" value={form.redact ?? []} onChange={(redact) => onChange({ redact })} error={fields.redact} />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <Whole label={t("keep_days")} description={t("keep_about")} min={1} max={3650} value={kept?.days ?? undefined} onChange={(days) => setKept({ days: days ?? null })} error={fields["log_retention.days"]} />
          <Whole label={t("keep_entries")} description={t("keep_about")} min={1} max={2_147_483_647} value={kept?.entries ?? undefined} onChange={(entries) => setKept({ entries: entries ?? null })} error={fields["log_retention.entries"]} />
        </SimpleGrid>
      </Stack>
    </Fieldset>
  );
}

interface WholeProps {
  label: string;
  description?: string;
  min: number;
  max: number;
  value: number | undefined;
  disabled?: boolean;
  error?: string;
  onChange: (value: number | undefined) => void;
}

/** A whole number, or none. */
function Whole({ value, onChange, ...props }: WholeProps) {
  return <NumberInput {...props} allowDecimal={false} allowNegative={false} value={value ?? ""} onChange={(value) => onChange(typeof value === "number" ? value : undefined)} />;
}

function Pem({ label, value, onChange, error }: { label: string; value: string | null | undefined; onChange: (value: string | null) => void; error: string | undefined }) {
  return <Textarea label={label} placeholder="-----BEGIN …" autosize minRows={1} maxRows={6} classNames={{ input: "mono" }} spellCheck={false} autoComplete="off" value={value ?? ""} onChange={(event) => onChange(event.currentTarget.value || null)} error={error} />;
}
