/** The log of events: what is shown of each in a row, and where it comes from. */
import { answer, api, type Schemas } from "../api/client";
import type { Filters } from "./filters";
import type { LogPage, Row } from "./log";
import type { LogSource } from "./useLog";

export interface EventRow extends Row {
  event_type: string;
  email: string | undefined;
}

export function eventRow({ id, timestamp, event_type, data }: Schemas["Event"]): EventRow {
  const email = "email" in data ? data.email : "subscriber_email" in data ? data.subscriber_email : undefined;
  return { id, at: timestamp, event_type, email: typeof email === "string" ? email : undefined };
}

export function eventSource({ event_type, since, until, q }: Filters): LogSource<EventRow> {
  const wanted = { event_type, since, until, q };
  return {
    key: ["events", wanted],
    load: async ({ cursor, since, limit }): Promise<LogPage<EventRow>> => {
      const page = await answer(api.GET("/events", { params: { query: { ...wanted, since: since ?? wanted.since, cursor, limit } } }));
      return { rows: page.data.map(eventRow), next: page.next_cursor ?? undefined, searchedUntil: page.searched_until ?? undefined };
    },
    feed: "",
    closed: until !== undefined,
    change: (row) => row,
    // Requests and deliveries are told, and both come with events.
    belongs: () => true,
  };
}
