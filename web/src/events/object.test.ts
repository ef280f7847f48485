import { expect, test } from "vitest";
import { objectOf } from "./object";

test("an object is read, nothing is nothing, and the rest is a fault", () => {
  expect(objectOf('{"a":1}')).toEqual({ value: { a: 1 }, fault: false });
  expect(objectOf("  ")).toEqual({ fault: false });
  expect(["[1]", "null", "1", "{"].map((text) => objectOf(text).fault)).toEqual([true, true, true, true]);
});
