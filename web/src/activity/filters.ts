/** The filters of a log, as they stand in the address bar, so that a view can be shared. */
import type { Schemas } from "../api/client";

export const REQUEST_STATUSES = ["processed", "accepted", "ignored", "failed", "rejected", "retrying"] as const;
export const DELIVERY_STATUSES = ["pending", "delivered", "retrying", "failed", "cancelled"] as const;

/** Kinds of what things are done to, in the audit log. */
export const TARGETS = [
  "api_key", "audit_log", "custom_field", "delivery", "event_type", "incoming_webhook", "list", "outgoing_webhook", "preset", "request",
  "subscriber", "tag", "task", "user",
] as const satisfies Schemas["TargetKind"][];

/** What narrows a log, each as one text. */
export const FILTERS = ["status", "event_type", "since", "until", "q", "sender_ip", "http_status", "error_code", "test", "actor", "action", "target"] as const;
export type FilterName = (typeof FILTERS)[number];

export type Filters = Partial<Record<FilterName, string>>;

export interface LogFilters extends Filters {
  /** The entry that is open. */
  entry?: string;
}

export function parseLogFilters(search: Record<string, unknown>): LogFilters {
  const filters: LogFilters = {};
  for (const name of [...FILTERS, "entry"] as const) {
    const value = search[name];
    // A number and a truth in the address bar are parsed as such.
    if ((typeof value === "string" && value !== "") || typeof value === "number" || typeof value === "boolean") filters[name] = String(value);
  }
  return filters;
}

/** Several values with commas between, as the API has them too. */
export function several(value: string | undefined): string[] {
  return (value ?? "").split(",").map((one) => one.trim()).filter((one) => one !== "");
}

function known<T extends string>(names: readonly T[], value: string | undefined): T[] | undefined {
  const wanted = several(value);
  const found = names.filter((name) => wanted.includes(name));
  return found.length > 0 ? found : undefined;
}

function given(names: string[]): string[] | undefined {
  return names.length > 0 ? names : undefined;
}

/** What the API is asked for by the filters of the log of an incoming webhook. */
export function requestQuery({ status, event_type, since, until, q, sender_ip }: Filters) {
  return { status: known(REQUEST_STATUSES, status), event_type, since, until, q, sender_ip };
}

/** Which deliveries a task is to work on. Tests can't be told apart there. */
export function deliverySelection({ status, event_type, since, until, q, http_status, error_code }: Filters) {
  return { status: known(DELIVERY_STATUSES, status), event_type, since, until, q, error_code, http_status: given(several(http_status)) };
}

/** What the API is asked for by the filters of the log of an outgoing webhook. */
export function deliveryQuery(filters: Filters) {
  return { ...deliverySelection(filters), test: filters.test === undefined ? undefined : filters.test === "true" };
}

/** The names of what narrows the log now. */
export function narrowed(filters: Filters): FilterName[] {
  return FILTERS.filter((name) => filters[name] !== undefined);
}

/** A moment as a field for date and time has it, in the zone of the browser. */
export function toLocal(at: string | undefined): string {
  const date = new Date(at ?? "");
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The other way. */
export function fromLocal(local: string): string | undefined {
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
