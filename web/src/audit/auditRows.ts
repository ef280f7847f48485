/** The audit log: what is shown of each entry in a row, and where it comes from. */
import { answer, api, type Schemas } from "../api/client";
import type { Filters } from "../activity/filters";
import type { LogPage, Row } from "../activity/log";
import type { LogSource } from "../activity/useLog";

export type AuditEntry = Schemas["AuditEntry"];

/** How often the log is asked for what is new, in milliseconds: the feed does not tell of it. */
const REFRESH = 5_000;

export interface AuditRow extends Row {
  entry: AuditEntry;
}

export function auditSource({ actor, action, target, since, until, q }: Filters): LogSource<AuditRow> {
  const wanted = { actor, action, target, since, until, q };
  return {
    key: ["audit", wanted],
    load: async ({ cursor, since, limit }): Promise<LogPage<AuditRow>> => {
      const page = await answer(api.GET("/audit-log", { params: { query: { ...wanted, since: since ?? wanted.since, cursor, limit } } }));
      const rows = page.data.map((entry) => ({ id: entry.id, at: entry.at, entry }));
      return { rows, next: page.next_cursor ?? undefined, searchedUntil: page.searched_until ?? undefined };
    },
    every: REFRESH,
    closed: until !== undefined,
    change: (row) => row,
    belongs: () => false,
  };
}

/** One entry, also one that is on no page of the log that was loaded. */
export function loadAuditEntry(id: string): Promise<AuditEntry> {
  return answer(api.GET("/audit-log/{id}", { params: { path: { id } } }));
}

/** The page of what something was done to, if it has one and is still there. */
export function pageOf({ target: { kind, id }, verb }: Pick<AuditEntry, "target" | "verb">): string | undefined {
  if (verb === "deleted") return undefined;
  switch (kind) {
    case "incoming_webhook": return id ? `/incoming/${id}` : "/incoming";
    case "outgoing_webhook": return id ? `/outgoing/${id}` : "/outgoing";
    case "subscriber": return id ? `/subscribers/${id}` : "/subscribers";
    case "preset": return id ? `/senders/${id}` : "/senders";
    case "list": return "/lists";
    case "tag": return "/tags";
    case "custom_field": return "/custom-fields";
    case "event_type": return "/events";
    case "api_key": return "/api-keys";
    case "user": return "/users";
    default: return undefined;
  }
}
