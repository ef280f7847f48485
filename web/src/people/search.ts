/** Which subscribers are shown, as it stands in the address bar, so that a view can be shared. */
import { STATUSES } from "./statuses";

export interface SubscriberSearch {
  q?: string;
  status?: string;
  list?: string;
  tag?: string;
  field?: string;
  value?: string;
}

const NAMES = ["q", "status", "list", "tag", "field", "value"] as const;

export function parseSubscriberSearch(search: Record<string, unknown>): SubscriberSearch {
  const parsed: SubscriberSearch = {};
  for (const name of NAMES) {
    const value = search[name];
    // What looks like a number or a truth in the address bar is parsed as one.
    if (["string", "number", "boolean"].includes(typeof value) && value !== "") parsed[name] = String(value);
  }
  return parsed;
}

/** The same as the API wants it. */
export function queryOf({ q, status, list, tag, field, value }: SubscriberSearch) {
  const number = Number(list);
  return {
    q, tag,
    status: STATUSES.find((name) => name === status),
    list: list && Number.isInteger(number) && number > 0 ? number : undefined,
    custom_field: field,
    custom_value: field ? value : undefined,
  };
}

/** Where these subscribers are to be had as a file. */
export function exportAddress(base: string, search: SubscriberSearch, format: "csv" | "ndjson"): string {
  const params = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(queryOf(search))) if (value !== undefined) params.set(name, String(value));
  return `${base}/subscribers/export?${params.toString()}`;
}
