import { Select } from "@mantine/core";
import { useTexts } from "../texts";

/** How long what is replaced may stay good beside the new one, in seconds. */
export const GRACES = { none: 0, hour: 3_600, day: 86_400, week: 604_800 } as const;

const NAMES = Object.keys(GRACES) as (keyof typeof GRACES)[];

export function Grace({ value, onChange }: { value: number; onChange: (seconds: number) => void }) {
  const t = useTexts();
  return (
    <Select
      label={t("grace")} description={t("grace_about")} allowDeselect={false} value={String(value)} onChange={(seconds) => onChange(Number(seconds))}
      data={NAMES.map((name) => ({ value: String(GRACES[name]), label: t(`grace_${name}`) }))}
    />
  );
}
