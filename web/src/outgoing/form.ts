/** What one fills in for an outgoing webhook, and what is sent of it. */
import type { Schemas } from "../api/client";

export type OutgoingWebhook = Schemas["OutgoingWebhook"];
export type OutgoingInput = Schemas["OutgoingWebhookInput"];
export type Auth = Schemas["Auth"];

export type AuthMethod = Auth["method"];

export const AUTH_METHODS = ["none", "api_key", "bearer", "basic", "custom_headers", "query", "oauth2_client_credentials"] as const;

/** What a method begins with. */
export function newAuth(method: AuthMethod): Auth {
  switch (method) {
    case "api_key": return { method, key: "", header: "X-API-Key" };
    case "bearer": return { method, token: "" };
    case "basic": return { method, username: "", password: "" };
    case "custom_headers": return { method, headers: {} };
    case "query": return { method, params: {} };
    case "oauth2_client_credentials": return { method, token_url: "", client_id: "", client_secret: "" };
    default: return { method: "none" };
  }
}

/** `Name: value` lines, as one writes headers and parameters. */
export function linesOf(members: Record<string, string>): string {
  return Object.entries(members).map(([name, value]) => `${name}: ${value}`).join("\n");
}

/** The other way; a line without a colon is a name without a value, for the server to say what is wrong with it. */
export function membersOf(lines: string): Record<string, string> {
  const members: Record<string, string> = {};
  for (const line of lines.split("\n")) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    members[name.trim()] = colon < 0 ? "" : line.slice(colon + 1).trim();
  }
  return members;
}
