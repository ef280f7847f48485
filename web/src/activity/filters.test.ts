import { expect, test } from "vitest";
import { deliveryQuery, deliverySelection, fromLocal, narrowed, parseLogFilters, requestQuery, several, toLocal } from "./filters";

test("filters are texts, and nothing else is taken", () => {
  expect(parseLogFilters({ status: "failed", q: 42, test: true, event_type: "", other: "x", entry: ["no"] })).toEqual({ status: "failed", q: "42", test: "true" });
});

test("several values stand with commas between", () => {
  expect(several("failed, rejected,")).toEqual(["failed", "rejected"]);
  expect(several(undefined)).toEqual([]);
});

test("a log is asked for what it knows", () => {
  expect(requestQuery({ status: "failed,delivered", http_status: "5xx", q: "x" })).toEqual({ status: ["failed"], q: "x" });
  expect(deliveryQuery({ status: "failed,delivered,gone", http_status: "503,5xx", test: "false" })).toEqual({
    status: ["delivered", "failed"], http_status: ["503", "5xx"], test: false,
  });
  expect(deliveryQuery({ status: "gone" }).status).toBeUndefined();
  expect(deliverySelection({ test: "true", q: "x" })).toEqual({ q: "x" });
});

test("which filters narrow", () => {
  expect(narrowed({ q: "x", status: undefined, test: "true" })).toEqual(["q", "test"]);
});

test("moments go to a field and back, to the minute", () => {
  const at = "2026-05-01T12:34:00.000Z";
  expect(fromLocal(toLocal(at))).toBe(at);
  expect([toLocal(undefined), toLocal("x"), fromLocal("")]).toEqual(["", "", undefined]);
});
