import { expect, test } from "vitest";
import { AUTH_METHODS, differing, newAuth, retryOf, secondsOf } from "./form";

test.each(AUTH_METHODS)("%s begins as itself", (method) => {
  expect(newAuth(method).method).toBe(method);
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
