import { expect, test } from "vitest";
import { changesOf, inputOf, read } from "./changes";

const ada = inputOf({
  id: 1, email: "ada@example.com", first_name: "Ada", last_name: null, phone: null, company: null, source: null, status: "subscribed",
  custom_fields: { plan: "pro", seats: 2 }, lists: [{ id: 7, status: "unsubscribed" }], tags: ["web"], created_at: "", updated_at: "", confirmed_at: null,
});

test("only what differs is sent, and a field that was emptied as null", () => {
  expect(changesOf(ada, ada)).toEqual({});
  const after = { ...ada, first_name: null, tags: ["web", "vip"], custom_fields: { plan: null, seats: 2, since: 1843 } };
  expect(changesOf(ada, after)).toEqual({ first_name: null, tags: ["web", "vip"], custom_fields: { plan: null, since: 1843 } });
});

test("JSON that was typed is read, and what is none is named", () => {
  const typed = { ...ada, custom_fields: { a: "[1]", b: "{", c: "text" } };
  const { input, faults } = read(typed, ["a", "b"]);
  expect(input.custom_fields).toEqual({ a: [1], b: "{", c: "text" });
  expect(faults).toEqual(["b"]);
});
