/** A command for a POSIX shell that sends a sample, with all that the webhook asks for. */
import type { Schemas } from "../api/client";
import type { Sample } from "./sample";

type Webhook = Pick<Schemas["IncomingWebhook"], "url" | "require_api_key" | "signature">;

/** The secrets, where they are known: the server tells them once. */
export interface KnownSecrets {
  apiKey?: string;
  secret?: string;
}

/** Undefined if the sender signs in a way of its own, which no short command can do. */
export function curlOf({ url, require_api_key, signature }: Webhook, sample: Sample, known: KnownSecrets = {}): string | undefined {
  const signed = signing(signature, known.secret);
  if (!signed) return undefined;
  const before = [`body=${quoted(sample.body)}`, ...signed.before];
  const headers = { "Content-Type": sample.contentType, ...sample.headers };
  const options = [
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(require_api_key ? [`-H ${quoted(`X-API-Key: ${known.apiKey ?? "YOUR API KEY"}`)}`] : []),
    ...signed.options,
    `--data-raw "$body"`,
  ];
  return [...before, [`curl ${quoted(url)}`, ...options].join(" \\\n  ")].join("\n");
}

interface Signing {
  /** Lines that come first. */
  before: string[];
  options: string[];
}

function signing({ scheme, header }: Webhook["signature"], secret = "YOUR SECRET"): Signing | undefined {
  switch (scheme ?? "none") {
    case "none":
      return { before: [], options: [] };
    case "basic":
      return { before: [], options: [`-u ${quoted(secret.includes(":") ? secret : `user:${secret}`)}`] };
    case "hmac_sha256":
      return {
        before: [
          `secret=${quoted(secret)}`,
          `signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/^.* //')`,
        ],
        options: [`-H "${header ?? "X-Webhook-Signature"}: sha256=$signature"`],
      };
    case "standard_webhooks":
      return {
        before: [
          `secret=${quoted(secret)}`,
          `id=msg_$(date +%s) at=$(date +%s)`,
          `key=$(printf %s "\${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')`,
          `signature=$(printf %s "$id.$at.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)`,
        ],
        options: [`-H "webhook-id: $id"`, `-H "webhook-timestamp: $at"`, `-H "webhook-signature: v1,$signature"`],
      };
    default:
      return undefined;
  }
}

/** A word of the shell: within single quotes everything but these stands for itself. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
