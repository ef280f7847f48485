/** What a form changes of a subscriber, for the API. */
import type { Schemas } from "../api/client";

export type SubscriberInput = Schemas["SubscriberInput"];

/** What the form may change of a subscriber. */
export function inputOf(subscriber: Schemas["Subscriber"] | undefined): SubscriberInput {
  if (!subscriber) return { email: "", status: "subscribed" };
  const { email, first_name, last_name, phone, company, source, status, tags, lists, custom_fields } = subscriber;
  return { email, first_name, last_name, phone, company, source, status, tags, custom_fields, lists: lists.map(({ id }) => id) };
}

/** Only what differs, so that what someone else changes meanwhile stays changed; a custom field without a value is `null`. */
export function changesOf(before: SubscriberInput, after: SubscriberInput): Partial<SubscriberInput> {
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(after)) {
    if (name === "custom_fields" || same(value, before[name as keyof SubscriberInput])) continue;
    changes[name] = value;
  }
  const old: Record<string, unknown> = before.custom_fields ?? {};
  const fields = Object.entries(after.custom_fields ?? {}).filter(([name, value]) => !same(value ?? null, old[name] ?? null));
  if (fields.length > 0) changes.custom_fields = Object.fromEntries(fields);
  return changes;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The custom fields with those of JSON that were typed as text read; the names of those that are no JSON. */
export function read(input: SubscriberInput, json: string[]): { input: SubscriberInput; faults: string[] } {
  const faults: string[] = [];
  const fields: Record<string, unknown> = { ...input.custom_fields };
  for (const name of json) {
    const typed = fields[name];
    if (typeof typed !== "string") continue;
    try {
      fields[name] = JSON.parse(typed);
    } catch {
      faults.push(name);
    }
  }
  return { input: { ...input, custom_fields: fields }, faults };
}
