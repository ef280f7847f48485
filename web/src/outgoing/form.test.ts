import { expect, test } from "vitest";
import { AUTH_METHODS, chosenAuth, differing, newAuth, retryOf, secondsOf, type Auth } from "./form";

test.each(AUTH_METHODS)("%s begins as itself", (method) => {
  expect(newAuth(method).method).toBe(method);
});

test("who comes back to the method that is saved finds all that is saved of it", () => {
  const saved: Auth = { method: "bearer", token: "••••5678" };
  expect(chosenAuth("bearer", saved)).toEqual(saved);
  expect(chosenAuth("basic", saved)).toEqual(newAuth("basic"));
  expect(chosenAuth("basic", undefined)).toEqual(newAuth("basic"));
});

test("seconds are whole numbers with commas between", () => {
  expect(secondsOf("60, 600,3600,")).toEqual([60, 600, 3600]);
  expect(secondsOf("")).toEqual([]);
  expect([secondsOf("5m"), secondsOf("-1"), secondsOf("1.5")]).toEqual([undefined, undefined, undefined]);
});

test("a schedule by its name has no list beside it", () => {
  expect(retryOf("extended", [1, 2])).toEqual({ schedule: "extended" });
  expect(retryOf("custom", [1, 2])).toEqual({ schedule: "custom", schedule_seconds: [1, 2] });
});

test("only what differs is changed", () => {
  const saved = { name: "a", url: "https://a.example", events: ["*"], headers: { a: "1" } };
  expect(differing(saved, { ...saved, events: ["x"], headers: { a: "1" } })).toEqual({ events: ["x"] });
});

test("what is taken out is null in the patch, and one value is sent as a whole", () => {
  const headers = { "X-One": "1", "X-Two": "2" };
  const saved = { name: "a", url: "https://a.example", events: ["*"], headers, payload: { id: 1, phone: 2 }, auth: { method: "query" as const, params: { a: "••••", b: "••••" } } };
  expect(differing(saved, { ...saved, headers: { "X-One": "1" } })).toEqual({ headers: { "X-One": "1", "X-Two": null } });
  expect(differing(saved, { ...saved, payload: { id: 1 } })).toEqual({ payload: { id: 1 } });
  expect(differing(saved, { ...saved, auth: { method: "query", params: { b: "••••" } } })).toEqual({ auth: { method: "query", params: { a: null, b: "••••" } } });
  const bearer = { method: "bearer" as const, token: "t" };
  expect(differing(saved, { ...saved, auth: bearer })).toEqual({ auth: bearer });
});
