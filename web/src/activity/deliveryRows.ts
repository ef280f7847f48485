/** The log of an outgoing webhook: what is shown of each delivery in a row, and where it comes from. */
import { answer, api, type Schemas } from "../api/client";
import type { FeedEntry } from "./feed";
import { deliveryQuery, type Filters } from "./filters";
import type { LogPage, Row } from "./log";
import { isAmong } from "./requestRows";
import type { LogSource } from "./useLog";

export interface DeliveryRow extends Row {
  status: string;
  event_type: string;
  test: boolean;
  attempts: number;
  /** Of the last attempt: the status of its answer, or why there was none. */
  answered: string | undefined;
  millis: number | undefined;
}

export function deliveryRow({ id, created_at, status, event_type, test, attempts }: Schemas["Delivery"]): DeliveryRow {
  const last = attempts.at(-1);
  return { id, at: created_at, status, event_type, test, attempts: attempts.length, answered: last && outcome(last), millis: last?.duration_ms };
}

export function deliverySource(webhookId: string, filters: Filters): LogSource<DeliveryRow> {
  const wanted = deliveryQuery(filters);
  return {
    key: ["deliveries", webhookId, wanted],
    load: async ({ cursor, since, limit }): Promise<LogPage<DeliveryRow>> => {
      const query = { ...wanted, since: since ?? wanted.since, cursor, limit };
      const page = await answer(api.GET("/outgoing-webhooks/{id}/deliveries", { params: { path: { id: webhookId }, query } }));
      return { rows: page.data.map(deliveryRow), next: page.next_cursor ?? undefined, searchedUntil: page.searched_until ?? undefined };
    },
    feed: `outgoing=${webhookId}`,
    closed: filters.until !== undefined,
    change: deliveryChanged,
    belongs: ({ kind, status }) => kind === "delivery" && isAmong(filters.status, status),
  };
}

/** A row after what the feed tells of it. An attempt that is late does not count back. */
export function deliveryChanged(row: DeliveryRow, { status, attempt }: FeedEntry): DeliveryRow {
  const changed = { ...row, status: status ?? row.status };
  if (!isAttempt(attempt) || attempt.number < row.attempts) return changed;
  return { ...changed, attempts: attempt.number, answered: outcome(attempt), millis: attempt.duration_ms };
}

type Attempted = Pick<Schemas["Attempt"], "number" | "duration_ms" | "http_status" | "error_code">;

function isAttempt(value: unknown): value is Attempted {
  return typeof value === "object" && value !== null && "number" in value && typeof value.number === "number";
}

function outcome({ http_status, error_code }: Pick<Attempted, "http_status" | "error_code">): string | undefined {
  return http_status?.toString() ?? error_code ?? undefined;
}
