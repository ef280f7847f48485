/** What a webhook can be tried with. */
import type { Preset } from "./presets";

export interface Sample {
  contentType: string;
  headers: Record<string, string>;
  /** As it is sent. */
  body: string;
}

const PERSON = { email: "ada@example.com", first_name: "Ada", last_name: "Lovelace" };

/** What its sender would send, or else a request in our own form with the webhook's event. */
export function sampleFor({ event_type }: { event_type: string }, preset: Preset | undefined): Sample {
  const theirs = preset?.samples[0];
  if (theirs) return { contentType: theirs.content_type, headers: theirs.headers, body: theirs.body };
  return { contentType: "application/json", headers: {}, body: JSON.stringify({ event: event_type, data: PERSON }) };
}

/** The payload of a sample, for what works on JSON; a form is left to a request that really came. */
export function payloadOf({ body }: Sample): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return { data: PERSON };
  }
}
