import { expect, test } from "vitest";
import { withKept, withoutSecrets, type Entry } from "./kept";

const stored = (value: unknown, base: unknown) => withoutSecrets(new Map<string, Entry>([["form", { value, base }]]));

test("what may be a secret is not stored, wherever it stands", () => {
  const typed = { name: "New", signature: { scheme: "basic", secret: "s3cret" }, auth: { method: "bearer", token: "s3cret" }, actions: [{ headers: { Authorization: "s3cret" } }], tls: { client_key: "s3cret" } };
  expect(JSON.stringify(stored(typed, { name: "Old" }))).toContain("New");
  expect(JSON.stringify(stored(typed, { name: "Old" }))).not.toContain("s3cret");
});

test("what was left out is as it is saved, and the rest as it was typed", () => {
  const saved = { name: "Old", auth: { method: "bearer", token: "••••1234" }, dedupe: { key: "data.id" } };
  const [, entry] = stored({ ...saved, name: "New", auth: { method: "bearer", token: "another" } }, saved)[0] ?? [];
  expect(withKept(entry?.value, saved)).toEqual({ ...saved, name: "New" });
  expect(withKept(entry?.base, saved)).toEqual(saved);
});

test("where nothing is saved, nothing takes its place", () => {
  const [, entry] = stored({ name: "New", signature: { scheme: "basic", secret: "x" } }, { name: "", signature: {} })[0] ?? [];
  expect(withKept(entry?.value, { name: "", signature: {} })).toEqual({ name: "New", signature: { scheme: "basic" } });
});

test("a secret alone is no draft once it is gone", () => {
  expect(stored({ auth: { method: "none" } }, { auth: { method: "bearer", token: "x" } })).toEqual([]);
});
