/** What one fills in for an outgoing webhook, and what is sent of it. */
import type { Schemas } from "../api/client";
import { mergePatch } from "../api/mergePatch";
import { same } from "../components/drafts";

export type OutgoingWebhook = Schemas["OutgoingWebhook"];
export type OutgoingInput = Schemas["OutgoingWebhookInput"];
export type Auth = Schemas["Auth"];

export type AuthMethod = Auth["method"];

export const AUTH_METHODS = ["none", "api_key", "bearer", "basic", "custom_headers", "query", "oauth2_client_credentials", "oauth2_refresh_token"] as const;

/** Where a server that gives tokens takes the client's credentials. */
export const CLIENT_AUTHS = ["body", "basic"] as const;

export const METHODS = ["POST", "PUT", "PATCH"] as const;
export const FORMATS = ["json", "form", "xml", "text"] as const;
export const SCHEMES = ["x_webhook_signature", "standard_webhooks", "ed25519", "custom"] as const;
export const SCHEDULES = ["default", "extended", "custom"] as const;
export type Schedule = (typeof SCHEDULES)[number];

/** What the form of a webhook is about; the payload has a page of its own. */
const SETTINGS = [
  "name", "description", "url", "method", "events", "filter", "lists", "tags", "status", "auth", "headers", "format", "transform", "signing", "tls", "retry",
  "timeout_seconds", "connect_timeout_seconds", "gzip", "expect_json", "concurrency", "ordering", "rate_limit", "disable_after_seconds", "redact", "log_retention",
] as const satisfies (keyof OutgoingInput)[];

export function settingsOf(webhook: OutgoingWebhook): OutgoingInput {
  const { name, url, events } = webhook;
  return { name, url, events, ...Object.fromEntries(SETTINGS.map((setting) => [setting, webhook[setting]])) };
}

/**
 * What of an input is not as it is saved, as a merge patch: only that is changed, so that what someone else changed beside it stays, and what was
 * taken out is null. A payload is one value, and so is the authentication by another method.
 */
export function differing(saved: OutgoingInput, input: OutgoingInput): Partial<OutgoingInput> {
  const before: Record<string, unknown> = { ...saved };
  const isWhole = (name: string) => name === "payload" || (name === "auth" && saved.auth?.method !== input.auth?.method);
  const changed = Object.entries(input).filter(([name, value]) => !same(value, before[name]));
  return Object.fromEntries(changed.map(([name, value]) => [name, isWhole(name) ? value : mergePatch(before[name], value)]));
}

/** Seconds with commas between; nothing if one of them is no whole number. */
export function secondsOf(text: string): number[] | undefined {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return parts.every((part) => /^\d{1,9}$/.test(part)) ? parts.map(Number) : undefined;
}

/** When a delivery that failed is tried again. What is not understood is given as the text that it is, for the server to refuse. */
export function retryOf(schedule: Schedule, seconds: number[] | string): OutgoingInput["retry"] {
  return schedule === "custom" ? { schedule, schedule_seconds: seconds as number[] } : { schedule };
}

/** What the fields of a method hold once it is chosen. */
export function chosenAuth(method: AuthMethod, saved: Auth | undefined): Auth {
  return saved?.method === method ? saved : newAuth(method);
}

/** What a method begins with. */
export function newAuth(method: AuthMethod): Auth {
  switch (method) {
    case "api_key": return { method, key: "", header: "X-API-Key" };
    case "bearer": return { method, token: "" };
    case "basic": return { method, username: "", password: "" };
    case "custom_headers": return { method, headers: {} };
    case "query": return { method, params: {} };
    case "oauth2_client_credentials": return { method, token_url: "", client_id: "", client_secret: "" };
    case "oauth2_refresh_token": return { method, token_url: "", client_id: "", refresh_token: "" };
    default: return { method: "none" };
  }
}
