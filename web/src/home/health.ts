/** What a person should know of how the server does, and what to do about it. */
import type { Schemas } from "../api/client";
import type { TextName } from "../texts";

type ServerHealth = Schemas["ServerHealth"];

export interface Remark {
  /** What is so, and what to do. */
  text: TextName;
  values: Record<string, number>;
  /** Where something can be done about it. */
  to?: "/incoming" | "/outgoing";
}

/** Clocks that differ by more than this are worth a word: signatures carry the time, and senders allow five minutes. In milliseconds. */
const CLOCKS_DIFFER = 60_000;
/** With as many deliveries waiting, something is slow or away. */
const MANY = 10_000;

/** `here` is the time on this device, in milliseconds since 1970. */
export function remarksOf({ now, waiting, incoming_webhooks, outgoing_webhooks }: ServerHealth, here: number): Remark[] {
  const remarks: Remark[] = [];
  const apart = Math.abs(Date.parse(now) - here);
  if (apart > CLOCKS_DIFFER) remarks.push({ text: "clocks_differ", values: { n: Math.round(apart / 60_000) } });
  if (outgoing_webhooks.paused > 0 && waiting.deliveries > 0) {
    remarks.push({ text: "paused_deliveries", values: { n: outgoing_webhooks.paused }, to: "/outgoing" });
  } else if (waiting.deliveries >= MANY) {
    remarks.push({ text: "many_deliveries", values: {}, to: "/outgoing" });
  }
  if (incoming_webhooks.paused > 0 && waiting.requests > 0) {
    remarks.push({ text: "paused_requests", values: { n: incoming_webhooks.paused }, to: "/incoming" });
  }
  return remarks;
}
