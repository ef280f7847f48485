import { createHmac } from "node:crypto";
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { curlOf, quoted } from "./curl";
import { sampleFor } from "./sample";

const SAMPLE = sampleFor({ event_type: "order_paid" }, undefined);
const plain = { url: "http://h/x?token=1", require_api_key: false, signature: { scheme: "none" as const } };

/** What curl would be called with. */
function words(command: string | undefined): string[] {
  const script = `curl() { for word; do printf '%s\\0' "$word"; done; }\n${command}`;
  return execFileSync("sh", ["-c", script]).toString().split("\0").slice(0, -1);
}

test.each(["plain", "it's", "$(echo no) `no` \\ \"x\"", "two\nlines"])("%j is one word of the shell", (word) => {
  expect(execFileSync("sh", ["-c", `printf %s ${quoted(word)}`]).toString()).toBe(word);
});

test("the command names the webhook's own event, and shows the key", () => {
  const called = words(curlOf({ ...plain, require_api_key: true }, SAMPLE, { apiKey: "k'1" }));
  expect(called).toContain("X-API-Key: k'1");
  expect(called.at(-1)).toContain('"event":"order_paid"');
});

test("it signs what it sends", () => {
  const secret = `whsec_${Buffer.from("a key of some length").toString("base64")}`;
  const ours = words(curlOf({ ...plain, signature: { scheme: "hmac_sha256", header: "X-Sig" } }, SAMPLE, { secret }));
  expect(ours).toContain(`X-Sig: sha256=${createHmac("sha256", secret).update(SAMPLE.body).digest("hex")}`);

  const standard = words(curlOf({ ...plain, signature: { scheme: "standard_webhooks" } }, SAMPLE, { secret }));
  const value = (name: string) => standard.find((word) => word.startsWith(`${name}: `))?.slice(name.length + 2);
  const content = `${value("webhook-id")}.${value("webhook-timestamp")}.${SAMPLE.body}`;
  const key = Buffer.from("a key of some length");
  expect(value("webhook-signature")).toBe(`v1,${createHmac("sha256", key).update(content).digest("base64")}`);
});

test("what only the sender can sign has no command", () => {
  expect(curlOf({ ...plain, signature: { scheme: "preset" } }, SAMPLE)).toBeUndefined();
});
