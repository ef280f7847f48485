import { Fieldset, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import type { Schemas } from "../api/client";
import { useTexts } from "../texts";

export type CustomScheme = Schemas["CustomScheme"];
type Field = Schemas["SignatureField"];

/** What most senders do: the hex HMAC of the body in a header. */
export const NEW_SCHEME: CustomScheme = { algorithm: "hmac_sha256", encoding: "hex", signature: { from: "header:X-Signature" }, content: "{body}" };

/** `rsa_sns` is left out: only the preset of Amazon SES knows where its keys are. */
const ALGORITHMS = ["hmac_sha256", "hmac_sha512", "hmac_sha1", "ed25519", "ecdsa_p256_sha256", "rsa_sha256", "token", "basic"] as const;
const ENCODINGS = ["hex", "base64", "base64url"] as const;
const KEY_ENCODINGS = ["utf8", "base64", "hex", "pem"] as const;
const UNITS = ["seconds", "milliseconds", "rfc3339", "http_date"] as const;

interface CustomSchemeFieldsProps {
  scheme: CustomScheme;
  onChange: (scheme: CustomScheme) => void;
  /** What the server says of a field, by its name. */
  faults: Record<string, string>;
  /** What the names begin with. */
  prefix?: string;
}

/** A way to sign that no preset has: where the signature stands, and what is signed. */
export function CustomSchemeFields({ scheme, onChange, faults, prefix = "signature.custom" }: CustomSchemeFieldsProps) {
  const t = useTexts();
  const set = (change: Partial<CustomScheme>) => onChange({ ...scheme, ...change });
  const fault = (name: string) => faults[`${prefix}.${name}`];
  return (
    <Fieldset legend={t("scheme_custom")}>
      <Stack>
        <Group grow align="flex-start">
          <Select
            label={t("algorithm")} allowDeselect={false} data={[...ALGORITHMS]} value={scheme.algorithm} error={fault("algorithm")}
            onChange={(algorithm) => algorithm && set({ algorithm: algorithm as CustomScheme["algorithm"] })}
          />
          <Select
            label={t("encoding")} allowDeselect={false} data={[...ENCODINGS]} value={scheme.encoding ?? "hex"}
            onChange={(encoding) => encoding && set({ encoding: encoding as CustomScheme["encoding"] })}
          />
          <Select
            label={t("key_encoding")} allowDeselect={false} data={[...KEY_ENCODINGS]} value={scheme.key?.encoding ?? "utf8"} error={fault("key.encoding")}
            onChange={(encoding) => encoding && set({ key: { ...scheme.key, encoding: encoding as (typeof KEY_ENCODINGS)[number] } })}
          />
        </Group>
        <PlaceFields label={t("place_signature")} field={scheme.signature} onChange={(signature) => set({ signature: signature ?? NEW_SCHEME.signature })} error={fault("signature.from")} />
        <TextInput
          label={t("signed_content")} description={t("signed_content_about")} classNames={{ input: "mono" }} placeholder="{timestamp}.{body}"
          value={scheme.content ?? "{body}"} onChange={(event) => set({ content: event.currentTarget.value })} error={fault("content")}
        />
        <PlaceFields label={t("place_timestamp")} field={scheme.timestamp ?? undefined} onChange={(timestamp) => set({ timestamp })} error={fault("timestamp")} />
        {scheme.timestamp && (
          <Group grow align="flex-start">
            <Select
              label={t("timestamp_unit")} allowDeselect={false} data={[...UNITS]} value={scheme.timestamp_unit ?? "seconds"}
              onChange={(unit) => unit && set({ timestamp_unit: unit as CustomScheme["timestamp_unit"] })}
            />
            <NumberInput
              label={t("tolerance")} min={1} max={86_400} value={scheme.tolerance_seconds ?? 300} error={fault("tolerance_seconds")}
              onChange={(seconds) => set({ tolerance_seconds: Number(seconds) })}
            />
          </Group>
        )}
        <PlaceFields label={t("place_id")} field={scheme.id ?? undefined} onChange={(id) => set({ id })} error={fault("id")} />
      </Stack>
    </Fieldset>
  );
}

interface PlaceFieldsProps {
  label: string;
  field: Field | undefined;
  /** Without a place there is no such value. */
  onChange: (field: Field | undefined) => void;
  error: string | undefined;
}

/** Where in a request a value stands. */
function PlaceFields({ label, field, onChange, error }: PlaceFieldsProps) {
  const t = useTexts();
  const set = (change: Partial<Field>) => field && onChange({ ...field, ...change });
  const from = typeof field?.from === "string" ? field.from : (field?.from.join(", ") ?? "");
  return (
    <Group grow align="flex-start" preventGrowOverflow={false}>
      <TextInput
        label={label} description={t("place_about")} placeholder="header:X-Signature" value={from} error={error}
        onChange={({ currentTarget: { value } }) => onChange(value ? { ...field, from: placesOf(value) } : undefined)}
      />
      <TextInput
        label={t("prefix")} description={t("prefix_about")} aria-label={`${label}: ${t("prefix")}`} placeholder="v1=" disabled={!field} w={120}
        value={field?.prefix ?? ""} onChange={(event) => set({ prefix: event.currentTarget.value })}
      />
      <TextInput
        label={t("separator")} description={t("separator_about")} aria-label={`${label}: ${t("separator")}`} placeholder="," maxLength={1} disabled={!field} w={120}
        value={field?.separator ?? ""} onChange={(event) => set({ separator: event.currentTarget.value || null })}
      />
    </Group>
  );
}

function placesOf(text: string): string | string[] {
  return text.includes(",") ? text.split(",").map((place) => place.trim()).filter(Boolean) : text;
}
