import { Select, Textarea, TextInput } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { Schemas } from "../api/client";
import { EventTypeInput } from "../components/EventTypeInput";
import { focusArrived } from "../shell/arriving";
import { useTexts } from "../texts";

/** What people know of a webhook. */
export interface About {
  name: string;
  description: string;
  status: Schemas["WebhookStatus"];
  event_type: string;
}

interface AboutFieldsProps {
  about: About;
  onChange: (change: Partial<About>) => void;
  /** What the server says of a field, by its name. */
  faults: Record<string, string>;
  /** Whether a page begins with them. */
  isFirst?: boolean;
}

export function AboutFields({ about, onChange, faults, isFirst = false }: AboutFieldsProps) {
  const t = useTexts();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isFirst) focusArrived(first.current);
  }, [isFirst]);
  return (
    <>
      <TextInput
        label={t("name")} placeholder={t("name_hint")} required ref={first} maxLength={500}
        value={about.name} onChange={(event) => onChange({ name: event.currentTarget.value })} error={faults.name}
      />
      <EventTypeInput
        label={t("event")} description={t("incoming_event_about")}
        value={about.event_type} onChange={(event_type) => onChange({ event_type })} error={faults.event_type}
      />
      <Textarea
        label={t("description")} autosize minRows={2}
        value={about.description} onChange={(event) => onChange({ description: event.currentTarget.value })} error={faults.description}
      />
      <Select
        label={t("status")} allowDeselect={false} value={about.status} onChange={(status) => status && onChange({ status: status as About["status"] })}
        data={(["active", "paused", "inactive"] as const).map((value) => ({ value, label: t(`${value}_means`) }))} error={faults.status}
      />
    </>
  );
}
