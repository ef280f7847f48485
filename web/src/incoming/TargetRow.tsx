import { ActionIcon, Badge, Button, Group, Modal, Text } from "@mantine/core";
import { IconAdjustments, IconArrowLeft, IconX } from "@tabler/icons-react";
import { useState, type DragEvent } from "react";
import { useTexts, useWord } from "../texts";
import { kindOf, type Leaf, type Rule } from "./mapping";
import { RuleFields } from "./RuleFields";
import { DRAGGED } from "./SampleTree";

interface TargetRowProps {
  to: string;
  rules: Rule[];
  leaves: Leaf[];
  chosen: string | null;
  connect: (from: string) => void;
  replace: (before: Rule, after: Rule) => void;
  remove: (rule: Rule) => void;
}

/** A field of the subscriber, and the rules that set it. */
export function TargetRow({ to, rules, leaves, chosen, connect, replace, remove }: TargetRowProps) {
  const t = useTexts();
  const word = useWord();
  const [over, setOver] = useState(false);
  // Which of its rules is open; the first place without one is a new rule.
  const [open, setOpen] = useState<number | null>(null);
  const edited = open === null ? undefined : (rules[open] ?? { to, from: "" });
  const name = to.startsWith("custom_field.") ? to.slice("custom_field.".length) : word("field", to);
  const drop = (event: DragEvent) => {
    setOver(false);
    const path = event.dataTransfer.getData(DRAGGED);
    if (path) connect(path);
  };
  return (
    <div
      className="target" data-waiting={chosen !== null || undefined} data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)} onDrop={drop}
    >
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <Text size="sm" fw={550}>{name}{to === "email" && " *"}</Text>
        {chosen !== null && (
          <Button size="compact-xs" variant="light" leftSection={<IconArrowLeft size={12} />} onClick={() => connect(chosen)} aria-label={t("connect_to", { field: name })}>
            {t("connect")}
          </Button>
        )}
        {chosen === null && rules.length === 0 && <DetailsButton name={name} open={() => setOpen(0)} />}
      </Group>
      {rules.map((rule, index) => (
        <Group key={index} gap={4} mt={4} wrap="nowrap" justify="space-between">
          <Group gap={4}>
            <Badge variant="default" tt="none" ff="monospace" maw="100%">{sourceOf(rule)}</Badge>
            {saidOf(rule).map((said) => <Text key={said} size="xs" c="dimmed">{said}</Text>)}
          </Group>
          <Group gap={0} wrap="nowrap">
            <DetailsButton name={name} open={() => setOpen(index)} />
            <ActionIcon variant="subtle" color="gray" onClick={() => remove(rule)} aria-label={t("disconnect", { field: name })}><IconX size={16} /></ActionIcon>
          </Group>
        </Group>
      ))}
      <Modal opened={edited !== undefined} onClose={() => setOpen(null)} title={t("details_of", { field: name })} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
        {edited && <RuleFields rule={edited} leaves={leaves} onChange={(after) => replace(edited, after)} />}
        <Group justify="flex-end" mt="md"><Button onClick={() => setOpen(null)}>{t("done")}</Button></Group>
      </Modal>
    </div>
  );
}

/** Opens the form of a rule. What is changed in it shows at once behind it, and is saved with the mapping. */
function DetailsButton({ name, open }: { name: string; open: () => void }) {
  const t = useTexts();
  return <ActionIcon variant="subtle" color="gray" onClick={open} aria-label={t("details_of", { field: name })}><IconAdjustments size={16} /></ActionIcon>;
}

function sourceOf(rule: Rule): string {
  switch (kindOf(rule)) {
    case "from":
      return rule.from || "…";
    case "template":
      return rule.template || "…";
    case "value":
      return JSON.stringify(rule.value);
  }
}

/** What else a rule says, in the words of the API. */
function saidOf({ filters, date, when }: Rule): string[] {
  return [...(filters ?? []).map((filter) => `| ${filter}`), ...(date ? [`| date ${date.to ?? ""}`.trim()] : []), ...(when ? [`? ${when}`] : [])];
}
