/** What a payload may name (docs/outgoing.md). */
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { pathsOf } from "./samples";

const VARIABLES = [
  "event_type", "event_id", "timestamp", "subscriber_id", "subscriber_email", "subscriber_first_name", "subscriber_last_name",
  "subscriber_phone", "subscriber_company", "subscriber_status", "subscriber_source", "subscriber_lists", "subscriber_tags",
  "campaign_id", "campaign_name", "campaign_sent_date",
];
/** The most that the API gives at once. */
const MOST = 200;

/** Everything that can be named with a sample like this one. */
export function useVariables(data: unknown): string[] {
  const fields = useQuery({
    queryKey: ["custom-fields", "names"],
    queryFn: async () => (await answer(api.GET("/custom-fields", { params: { query: { limit: MOST } } }))).data.map(({ name }) => name),
  });
  return [...VARIABLES, ...(fields.data ?? []).map((name) => `custom_field_${name}`), ...pathsOf(data, "data")];
}
