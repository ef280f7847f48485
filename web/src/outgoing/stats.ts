/** How a destination does. */
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";

export const WINDOWS = ["24h", "7d", "30d"] as const;
export type Window = (typeof WINDOWS)[number];

export function useStats(id: string, window: Window) {
  return useQuery({
    queryKey: ["outgoing", id, "stats", window],
    queryFn: () => answer(api.GET("/outgoing-webhooks/{id}/stats", { params: { path: { id }, query: { window } } })),
    refetchInterval: 10_000,
  });
}

/** A rate of 0 to 1 as it is said; a dash where nothing was sent. */
export function percent(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? "—" : `${Math.round(rate * 1000) / 10} %`;
}
