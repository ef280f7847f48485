/** What a payload may name (docs/outgoing.md). */
export const VARIABLES = [
  "event_type", "event_id", "timestamp", "subscriber_id", "subscriber_email", "subscriber_first_name", "subscriber_last_name",
  "subscriber_phone", "subscriber_company", "subscriber_status", "subscriber_source", "subscriber_lists", "subscriber_tags",
];
