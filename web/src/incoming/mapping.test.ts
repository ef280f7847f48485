import { expect, test } from "vitest";
import { connected, disconnected, kindOf, leavesOf, MAX_LEAVES, ofKind, parseFilter, replaced, suggested, treeOf, writeFilter } from "./mapping";

test("every value is found with the path that leads to it", () => {
  expect(leavesOf(treeOf({ data: { mail: "a@b.c", tags: ["x", { n: 1 }], none: null }, ok: false }))).toEqual([
    { path: "data.mail", value: "a@b.c" },
    { path: "data.tags[0]", value: "x" },
    { path: "data.tags[1].n", value: "1" },
    { path: "data.none", value: "" },
    { path: "ok", value: "false" },
  ]);
});

test("a huge sample is cut", () => {
  expect(leavesOf(treeOf(Array.from({ length: 1000 }, (_, n) => n)))).toHaveLength(MAX_LEAVES);
});

test("connecting again replaces the source and keeps the transform", () => {
  const rules = [{ to: "email", from: "mail", filters: ["lower"] }];
  expect(connected(rules, "email", "other")).toEqual([{ to: "email", from: "other", filters: ["lower"] }]);
  expect(connected([{ to: "email", template: "{a}@x" }], "email", "a")).toEqual([{ to: "email", from: "a" }]);
  expect(disconnected(rules, "email")).toEqual([]);
});

test("obvious fields are suggested, and what is connected stays", () => {
  const leaves = leavesOf(treeOf({ "Contact-Email": "a@b.c", name: "Ada L", FirstName: "Ada", plan: "pro" }));
  const rules = suggested([{ to: "phone", from: "plan" }], leaves, ["plan"]);
  expect(rules).toEqual([
    { to: "phone", from: "plan" },
    { to: "email", from: "Contact-Email" },
    { to: "first_name", from: "FirstName" },
    { to: "custom_field.plan", from: "plan" },
  ]);
});

test("a sample is a tree", () => {
  expect(treeOf({ data: { tags: ["x"] } })).toEqual([
    {
      path: "data", name: "data",
      children: [{ path: "data.tags", name: "tags", children: [{ path: "data.tags[0]", name: "[0]", value: "x", children: [] }] }],
    },
  ]);
});

test("a value that is taken in another way keeps what is done with it", () => {
  const rule = { to: "name", from: "who", filters: ["trim"] };
  const text = ofKind(rule, "template");
  expect(text).toEqual({ to: "name", template: "{who}", filters: ["trim"] });
  expect(ofKind(text, "value")).toEqual({ to: "name", value: "", filters: ["trim"] });
  expect([rule, text, ofKind(text, "value")].map(kindOf)).toEqual(["from", "template", "value"]);
  expect(replaced([rule], rule, text)).toEqual([text]);
  expect(replaced([], rule, text)).toEqual([text]);
});

test.each([
  ["trim", "trim", ""],
  ["phone('IT')", "phone", "IT"],
  ['number(",")', "number", ","],
])("%s is a filter", (text, name, argument) => {
  expect(parseFilter(text)).toEqual({ name, argument });
  expect(parseFilter(writeFilter({ name, argument }))).toEqual({ name, argument });
});
