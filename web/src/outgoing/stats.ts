/** How a destination does. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";

export type Stats = Schemas["DeliveryStats"];
export type OutgoingStats = Schemas["OutgoingStats"];

export const WINDOWS = ["24h", "7d", "30d"] as const;
export type Window = (typeof WINDOWS)[number];

export function useStats(id: string, window: Window) {
  return useQuery({
    queryKey: ["outgoing", id, "stats", window],
    queryFn: () => answer(api.GET("/outgoing-webhooks/{id}/stats", { params: { path: { id }, query: { window } } })),
    refetchInterval: 10_000,
  });
}

/** The attempts of a time by the class of their answers, those that happened. */
export function byStatus({ by_status }: Pick<Stats, "by_status">): [string, number][] {
  return Object.entries(by_status).filter(([, attempts]) => attempts > 0);
}

/** The last day of webhooks, asked for all at once. */
export function useOverview(ids: string[]) {
  return useQuery({
    queryKey: ["stats", "outgoing", ids],
    queryFn: () => answer(api.GET("/stats", { params: { query: { outgoing: ids } } })),
    enabled: ids.length > 0,
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
}

/** The share of finished deliveries that arrived; nothing if none was finished. */
export function rateOf({ delivered, failed }: { delivered: number; failed: number }): number | null {
  return delivered + failed === 0 ? null : delivered / (delivered + failed);
}

/** A rate of 0 to 1 as it is said; a dash where nothing was sent. */
export function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? "—" : `${Math.round(rate * 1000) / 10} %`;
}
