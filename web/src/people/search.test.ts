import { expect, test } from "vitest";
import { exportAddress, parseSubscriberSearch, queryOf } from "./search";

test("what stands in the address bar is what the API is asked", () => {
  const search = parseSubscriberSearch({ q: "ada", status: "subscribed", list: 7, field: "plan", value: true, other: "x", tag: "" });
  expect(search).toEqual({ q: "ada", status: "subscribed", list: "7", field: "plan", value: "true" });
  expect(queryOf(search)).toEqual({ q: "ada", status: "subscribed", list: 7, tag: undefined, custom_field: "plan", custom_value: "true" });
  expect(queryOf({ status: "asleep", list: "x", value: "lost" })).toEqual({});
});

test("a file has what the list shows", () => {
  expect(exportAddress("/api", { q: "a b", status: "bounced" }, "csv")).toBe("/api/subscribers/export?format=csv&q=a+b&status=bounced");
});
