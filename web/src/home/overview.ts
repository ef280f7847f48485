/** The last 24 hours of all webhooks, added up. */
import type { Schemas } from "../api/client";

type Overview = Schemas["Overview"];

/** Something that does not work at the moment, or did not today. */
export interface Failing {
  side: "incoming" | "outgoing";
  id: string;
  failed: number;
  /** Whether nothing arrives now. */
  now: boolean;
}

export interface Hour {
  at: string;
  good: number;
  bad: number;
}

export function received({ incoming }: Overview) {
  const sum = (name: "received" | "processed" | "failed" | "rejected") => incoming.reduce((total, webhook) => total + webhook[name], 0);
  const hours = hourly(incoming, ({ failed, rejected, processed, ignored }) => ({ good: processed + ignored, bad: failed + rejected }));
  return { received: sum("received"), failed: sum("failed") + sum("rejected"), hours };
}

export function sent({ outgoing }: Overview) {
  const sum = (name: "delivered" | "failed") => outgoing.reduce((total, webhook) => total + webhook[name], 0);
  return { delivered: sum("delivered"), failed: sum("failed"), hours: hourly(outgoing, ({ delivered, failed }) => ({ good: delivered, bad: failed })) };
}

/** What nothing arrives at first, then by how much failed. */
export function failing({ incoming, outgoing }: Overview): Failing[] {
  const all: Failing[] = [
    ...outgoing.map(({ webhook_id, failing, failed }) => ({ side: "outgoing" as const, id: webhook_id, failed, now: failing })),
    ...incoming.map(({ webhook_id, failed }) => ({ side: "incoming" as const, id: webhook_id, failed, now: false })),
  ];
  return all.filter(({ now, failed }) => now || failed > 0).sort((a, b) => Number(b.now) - Number(a.now) || b.failed - a.failed);
}

function hourly<H extends { at: string }>(webhooks: { series: H[] }[], of: (hour: H) => Omit<Hour, "at">): Hour[] {
  const hours = new Map<string, Hour>();
  for (const { series } of webhooks) {
    for (const hour of series) {
      const before = hours.get(hour.at) ?? { at: hour.at, good: 0, bad: 0 };
      const { good, bad } = of(hour);
      hours.set(hour.at, { at: hour.at, good: before.good + good, bad: before.bad + bad });
    }
  }
  return [...hours.values()].sort((a, b) => a.at.localeCompare(b.at));
}
