/** What a sender must know beside the URL. */
import type { Schemas } from "../api/client";

type Webhook = Pick<Schemas["IncomingWebhook"], "api_key" | "require_api_key" | "signature">;

/** The secrets that the webhook asks for, as they are told when it is made. */
export function secretsOf({ api_key, require_api_key, signature }: Webhook) {
  return [
    { label: "api_key" as const, value: require_api_key ? api_key : null },
    { label: "signing_secret" as const, value: (signature.scheme ?? "none") === "none" ? null : signature.secret },
  ];
}
