import { expect, test } from "vitest";
import { same } from "./drafts";

test("drafts are the same if their JSON is", () => {
  expect(same({ a: [1] }, { a: [1] })).toBe(true);
  expect(same({ a: undefined }, {})).toBe(true);
  expect(same([], null)).toBe(false);
});
