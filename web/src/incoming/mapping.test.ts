import { expect, test } from "vitest";
import { connected, disconnected, leavesOf, MAX_LEAVES, suggested, transformed } from "./mapping";

test("every value is found with the path that leads to it", () => {
  expect(leavesOf({ data: { mail: "a@b.c", tags: ["x", { n: 1 }], none: null }, ok: false })).toEqual([
    { path: "data.mail", value: "a@b.c" },
    { path: "data.tags[0]", value: "x" },
    { path: "data.tags[1].n", value: "1" },
    { path: "data.none", value: "" },
    { path: "ok", value: "false" },
  ]);
});

test("a huge sample is cut", () => {
  expect(leavesOf(Array.from({ length: 1000 }, (_, n) => n))).toHaveLength(MAX_LEAVES);
});

test("connecting again replaces the source and keeps the transform", () => {
  const rules = transformed(connected([], "email", "mail"), "email", "lower");
  expect(connected(rules, "email", "other")).toEqual([{ to: "email", from: "other", filters: ["lower"] }]);
  expect(connected([{ to: "email", template: "{a}@x" }], "email", "a")).toEqual([{ to: "email", from: "a" }]);
  expect(disconnected(rules, "email")).toEqual([]);
});

test("obvious fields are suggested, and what is connected stays", () => {
  const leaves = leavesOf({ "Contact-Email": "a@b.c", name: "Ada L", FirstName: "Ada", plan: "pro" });
  const rules = suggested([{ to: "phone", from: "plan" }], leaves, ["plan"]);
  expect(rules).toEqual([
    { to: "phone", from: "plan" },
    { to: "email", from: "Contact-Email" },
    { to: "first_name", from: "FirstName" },
    { to: "custom_field.plan", from: "plan" },
  ]);
});
