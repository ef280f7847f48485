import { expect, test } from "vitest";
import { fitting, withKept, withoutSecrets, type Entry } from "./kept";

/** What the browser has of a value after the page is loaded again. */
function stored(value: unknown, base: unknown): Entry {
  const [, entry] = withoutSecrets(new Map([["form", { value, base }]]))[0] ?? [];
  return JSON.parse(JSON.stringify(entry)) as Entry;
}

test("what may be a secret is not stored, wherever it stands", () => {
  const auths = [{ method: "bearer", token: "s3cret" }, { method: "api_key", key: "s3cret" }, { method: "query", params: { key: "s3cret" } }, { method: "oauth2_refresh_token", refresh_token: "s3cret" }];
  const typed = {
    name: "New", signature: { scheme: "basic", secret: "s3cret" }, auths: auths.map((auth) => ({ auth })), actions: [{ headers: { Authorization: "s3cret" } }],
    headers: { "s3cret in the wrong place": "" }, tls: { client_key: "s3cret" },
  };
  expect(JSON.stringify(stored(typed, { name: "Old" }))).toContain("New");
  expect(JSON.stringify(stored(typed, { name: "Old" }))).not.toContain("s3cret");
  expect(JSON.stringify(stored(typed, typed))).not.toContain("s3cret");
});

test("a secret that nobody touched is as it is saved, and the rest as it was typed", () => {
  const saved = { name: "Old", auth: { method: "bearer", token: "••••1234" }, headers: { "X-Env": "prod" }, dedupe: { key: "data.id" } };
  const { value, base } = stored({ ...saved, name: "New" }, saved);
  expect(withKept(value, saved)).toEqual({ ...saved, name: "New" });
  expect(withKept(base, saved)).toEqual(saved);
});

test("a secret that was typed has to be typed again; another one doesn't take its place", () => {
  const saved = { auth: { method: "bearer", token: "••••1234" }, signature: { scheme: "basic", secret: "••••5678" } };
  const { value } = stored({ auth: { method: "basic", username: "ada", password: "x" }, signature: { scheme: "basic", secret: "y" } }, saved);
  expect(withKept(value, saved)).toEqual({ auth: { method: "basic", username: "ada", password: "" }, signature: { scheme: "basic" } });
  const actions = [{ url: "https://one.example", headers: { Authorization: "1" } }, { url: "https://two.example", headers: { Authorization: "2" } }];
  const moved = stored(actions.toReversed(), actions);
  expect(withKept(moved.value, actions)).toEqual(actions.toReversed().map((action) => ({ ...action, headers: { Authorization: "" } })));
});

test("where nothing is saved, nothing takes its place", () => {
  const { value } = stored({ name: "New", signature: { scheme: "basic", secret: "x" } }, { name: "", signature: {} });
  expect(withKept(value, { name: "", signature: {} })).toEqual({ name: "New", signature: { scheme: "basic" } });
});

test("a text that is too large doesn't push out the others", () => {
  const entry = (value: string): Entry => ({ value, base: "" });
  const entries: [string, Entry][] = [["large", entry("x".repeat(200))], ["small", entry("y")]];
  expect(fitting(entries, 100).map(([key]) => key)).toEqual(["small"]);
  expect(fitting(entries).length).toBe(2);
});
