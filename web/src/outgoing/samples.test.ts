import { expect, test } from "vitest";
import { fitting, matches, pathsOf } from "./samples";

const NAMES = ["subscriber_added", "email_sent", "email_opened"];

test("patterns stand for names", () => {
  expect([matches("*", "x"), matches("email_*", "email_sent"), matches("email_*", "emails"), matches("a", "a"), matches("a", "ab")]).toEqual([true, true, false, true, false]);
});

test("what fits comes in the order of the webhook, what it names first", () => {
  expect(fitting(["email_*", "order_paid"], NAMES)).toEqual(["order_paid", "email_sent", "email_opened"]);
  expect(fitting(["*"], NAMES)).toEqual(NAMES);
  expect(fitting(["email_opened", "email_*"], NAMES)).toEqual(["email_opened", "email_sent"]);
  expect(fitting([], NAMES)).toEqual([]);
});

test("paths lead to everything with a name", () => {
  expect(pathsOf({ a: { b: 1, "not a name": 2 }, list: [{ c: 1 }] }, "data")).toEqual(["data.a", "data.a.b", "data.list"]);
  expect(pathsOf(null, "data")).toEqual([]);
});
