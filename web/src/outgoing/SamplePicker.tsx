import { Select, SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { useEventTypes } from "../components/EventTypeInput";
import { exactly } from "../components/moments";
import { useLanguage, useTexts } from "../texts";
import { fitting } from "./samples";

/** What a webhook is tried with: an event that happened, or an example of a kind. */
export interface Sample {
  eventType: string;
  /** The event, if it is one that happened. */
  eventId: string | undefined;
}

/** Events of a kind that can be chosen from. */
const LATEST = 20;
const EXAMPLE = "example";

/** The kinds of events, those that the webhook gets first, and what is chosen before anyone has chosen. */
export function useKinds(patterns: readonly string[]) {
  const types = useEventTypes();
  const names = types.data?.map(({ name }) => name) ?? [];
  const own = fitting(patterns, names);
  return { own, others: names.filter((name) => !own.includes(name)), first: own[0] ?? names[0] ?? "subscriber_added", ready: types.isSuccess };
}

/** The data of a sample: that of the event, or the example of its kind. */
export function useSampleData({ eventType, eventId }: Sample): Schemas["Event"]["data"] | undefined {
  const types = useEventTypes();
  const event = useQuery({
    queryKey: ["event", eventId],
    queryFn: () => answer(api.GET("/events/{id}", { params: { path: { id: eventId ?? "" } } })),
    enabled: eventId !== undefined,
  });
  if (eventId !== undefined) return event.data?.data;
  if (!types.data) return undefined;
  return types.data.find(({ name }) => name === eventType)?.example ?? {};
}

interface SamplePickerProps {
  patterns: readonly string[];
  sample: Sample;
  onChange: (sample: Sample) => void;
}

export function SamplePicker({ patterns, sample, onChange }: SamplePickerProps) {
  const t = useTexts();
  const language = useLanguage();
  const { own, others } = useKinds(patterns);
  const events = useQuery({
    queryKey: ["events", "latest", sample.eventType],
    queryFn: async () => (await answer(api.GET("/events", { params: { query: { event_type: sample.eventType, limit: LATEST } } }))).data,
  });
  const groups = [{ group: t("kinds_own"), items: own }, { group: t("kinds_others"), items: others }].filter(({ items }) => items.length > 0);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <Select
        label={t("sample_kind")} allowDeselect={false} searchable value={sample.eventType} data={groups}
        onChange={(eventType) => eventType && onChange({ eventType, eventId: undefined })}
      />
      <Select
        label={t("sample_which")} allowDeselect={false} value={sample.eventId ?? EXAMPLE}
        onChange={(value) => onChange({ ...sample, eventId: value === EXAMPLE || value === null ? undefined : value })}
        data={[{ value: EXAMPLE, label: t("sample_example") }, ...(events.data ?? []).map(({ id, timestamp, data }) => ({ value: id, label: [exactly(timestamp, language), whoOf(data)].join(" ") }))]}
      />
    </SimpleGrid>
  );
}

function whoOf(data: object): string {
  const email = "email" in data ? data.email : "subscriber_email" in data ? data.subscriber_email : undefined;
  return typeof email === "string" ? email : "";
}
