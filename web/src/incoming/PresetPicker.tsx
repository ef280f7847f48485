import { Anchor, Group, Select, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconExternalLink } from "@tabler/icons-react";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { useHint, usePreset, usePresets } from "./presets";

interface PresetPickerProps {
  value: string | null;
  onChange: (id: string | null) => void;
  error?: string;
}

/** Which sender it is, and where the sender says how its webhooks are set up. */
export function PresetPicker({ value, onChange, error }: PresetPickerProps) {
  const t = useTexts();
  const may = useMay();
  const presets = usePresets();
  const preset = usePreset(value);
  const hint = useHint(preset);
  return (
    <Stack gap={6}>
      <Select
        disabled={!may("write")} label={t("sender")} description={t("sender_about")} placeholder={t("sender_any")} searchable clearable nothingFoundMessage={t("sender_unknown")}
        data={presets.data?.map(({ id, name }) => ({ value: id, label: name })) ?? []}
        value={value} onChange={onChange} error={error} clearButtonProps={{ "aria-label": t("clear") }}
      />
      {hint && <Text size="sm">{hint}</Text>}
      {preset?.documentation.map((url) => (
        <Group key={url} gap={4} wrap="nowrap">
          <IconExternalLink size={14} aria-hidden />
          <Anchor href={url} target="_blank" rel="noreferrer" size="sm" className="wrapping">{t("sender_instructions", { sender: preset.name, host: hostOf(url) })}</Anchor>
        </Group>
      ))}
      <Link className="link" to="/senders"><Text size="sm" span>{t("senders_own")}</Text></Link>
    </Stack>
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
