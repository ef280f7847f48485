import { NumberInput, PasswordInput, Select, Stack, TextInput } from "@mantine/core";
import type { Schemas } from "../api/client";
import { isMasked } from "../components/CopyNow";
import { useTexts } from "../texts";
import { CustomSchemeFields, NEW_SCHEME } from "./CustomSchemeFields";
import { useHint, type Preset } from "./presets";

export type Signature = Schemas["IncomingSignature"];
type Scheme = NonNullable<Signature["scheme"]>;

interface SignatureFieldsProps {
  signature: Signature;
  preset: Preset | undefined;
  onChange: (signature: Signature) => void;
  /** What the server says of a field, by its name. */
  faults: Record<string, string>;
}

/** How the sender proves that a request is its own. */
export function SignatureFields({ signature, preset, onChange, faults }: SignatureFieldsProps) {
  const t = useTexts();
  const scheme = signature.scheme ?? (preset?.signs ? "preset" : "none");
  const schemes: Scheme[] = [...(preset?.signs ? (["preset"] as const) : []), "none", "hmac_sha256", "standard_webhooks", "basic", "custom"];
  const set = (change: Partial<Signature>) => onChange({ ...signature, ...change });
  const choose = (chosen: Scheme) => set({ scheme: chosen, custom: chosen === "custom" ? (signature.custom ?? NEW_SCHEME) : undefined });
  return (
    <Stack>
      <Select
        label={t("signature")} description={t("signature_about")} allowDeselect={false} value={scheme}
        onChange={(chosen) => chosen && choose(chosen as Scheme)} error={faults["signature.scheme"]}
        data={schemes.map((value) => ({ value, label: value === "preset" ? t("scheme_preset", { sender: preset?.name ?? "" }) : t(`scheme_${value}`) }))}
      />
      {scheme !== "none" && (
        <SecretInput value={signature.secret} scheme={scheme} preset={preset} error={faults["signature.secret"]} onChange={(secret) => set({ secret })} />
      )}
      {scheme === "hmac_sha256" && (
        <TextInput
          label={t("signature_header")} placeholder="X-Webhook-Signature" value={signature.header ?? ""} error={faults["signature.header"]}
          onChange={(event) => set({ header: event.currentTarget.value || "X-Webhook-Signature" })}
        />
      )}
      {scheme === "standard_webhooks" && (
        <NumberInput
          label={t("tolerance")} description={t("tolerance_about")} min={1} max={86_400} value={signature.tolerance_seconds ?? 300}
          onChange={(seconds) => set({ tolerance_seconds: Number(seconds) })} error={faults["signature.tolerance_seconds"]}
        />
      )}
      {scheme === "preset" && preset?.id === "ses" && (
        <TextInput
          label={t("topic_arn")} description={t("topic_arn_about")} placeholder="arn:aws:sns:eu-west-1:111122223333:mail"
          value={signature.topic_arn ?? ""} onChange={(event) => set({ topic_arn: event.currentTarget.value || null })} error={faults["signature.topic_arn"]}
        />
      )}
      {scheme === "custom" && (
        <CustomSchemeFields scheme={signature.custom ?? NEW_SCHEME} onChange={(custom) => set({ custom })} faults={faults} />
      )}
    </Stack>
  );
}

interface SecretInputProps {
  value: string | null | undefined;
  scheme: Scheme;
  preset: Preset | undefined;
  error: string | undefined;
  onChange: (secret: string | null) => void;
}

/** Empty leaves the secret as it is, or lets the server make one. */
function SecretInput({ value, scheme, preset, error, onChange }: SecretInputProps) {
  const t = useTexts();
  const hint = useHint(preset);
  const kept = isMasked(value) ? value : undefined;
  const about = scheme === "preset" ? t("secret_of_sender", { sender: preset?.name ?? "" }) : t(scheme === "basic" ? "secret_basic" : "secret_chosen");
  return (
    <PasswordInput
      label={scheme === "preset" ? t("secret_from", { sender: preset?.name ?? "" }) : t("signing_secret")}
      description={[about, scheme === "preset" ? hint : ""].filter(Boolean).join(" ")}
      placeholder={kept ? t("secret_kept", { secret: kept }) : undefined} autoComplete="off"
      visibilityToggleButtonProps={{ "aria-label": t("show_secret") }}
      value={isMasked(value) ? "" : (value ?? "")} error={error}
      // The masked form leaves the secret as it is; without any, the server makes one.
      onChange={(event) => onChange(event.currentTarget.value || null)}
    />
  );
}
