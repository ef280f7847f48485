/** The filters of a log, as they stand in the address bar, so that a view can be shared. */

export interface LogFilters {
  status?: string;
  event_type?: string;
  q?: string;
  /** The entry that is open. */
  entry?: string;
}

export const LOG_FILTERS = ["status", "event_type", "q", "entry"] as const;

export function parseLogFilters(search: Record<string, unknown>): LogFilters {
  const filters: LogFilters = {};
  for (const name of LOG_FILTERS) {
    const value = search[name];
    // A number in the address bar is parsed as one.
    if ((typeof value === "string" && value !== "") || typeof value === "number") filters[name] = String(value);
  }
  return filters;
}
