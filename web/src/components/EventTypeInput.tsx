import { Autocomplete } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { answer, api } from "../api/client";

/** The most that the API gives at once. There are rarely that many kinds of events. */
const MOST = 200;

export function useEventTypes() {
  return useQuery({
    queryKey: ["event-types"],
    queryFn: async () => (await answer(api.GET("/event-types", { params: { query: { limit: MOST } } }))).data,
  });
}

interface EventTypeInputProps {
  label: string;
  description?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  onBlur?: () => void;
  /** When one of the known is chosen. */
  onOptionSubmit?: (value: string) => void;
}

/** A kind of event: one of the known, or any other name. */
export function EventTypeInput(props: EventTypeInputProps) {
  const types = useEventTypes();
  return <Autocomplete {...props} data={types.data?.map(({ name }) => name) ?? []} />;
}
