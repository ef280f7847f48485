/** The log of an incoming webhook: what is shown of each entry in a row, and where it comes from. */
import { answer, api, type Schemas } from "../api/client";
import type { FeedEntry } from "./feed";
import { requestQuery, several, type Filters } from "./filters";
import type { LogPage, Row } from "./log";
import type { LogSource } from "./useLog";

export interface RequestRow extends Row {
  status: string;
  event_type: string;
  answered: number;
  sender_ip: string;
}

/** The payload is left to the drawer: thousands of rows may be in memory. */
export function requestRow({ id, received_at, status, event_type, response, sender_ip }: Schemas["Request"]): RequestRow {
  return { id, at: received_at, status, event_type, answered: response.status, sender_ip };
}

export function requestSource(webhookId: string, filters: Filters): LogSource<RequestRow> {
  const wanted = requestQuery(filters);
  return {
    key: ["requests", webhookId, wanted],
    load: async ({ cursor, since, limit }): Promise<LogPage<RequestRow>> => {
      const query = { ...wanted, since: since ?? wanted.since, cursor, limit };
      const page = await answer(api.GET("/incoming-webhooks/{id}/requests", { params: { path: { id: webhookId }, query } }));
      return { rows: page.data.map(requestRow), next: page.next_cursor ?? undefined, searchedUntil: page.searched_until ?? undefined };
    },
    feed: `incoming=${webhookId}`,
    closed: filters.until !== undefined,
    change: requestChanged,
    belongs: ({ kind, status }) => kind === "request" && isAmong(filters.status, status),
  };
}

/** A row after what the feed tells of it. */
export function requestChanged(row: RequestRow, { status, response_status }: FeedEntry): RequestRow {
  return { ...row, status: status ?? row.status, answered: typeof response_status === "number" ? response_status : row.answered };
}

export function isAmong(wanted: string | undefined, status: string | undefined): boolean {
  return wanted === undefined || status === undefined || several(wanted).includes(status);
}
