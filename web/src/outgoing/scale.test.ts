import { expect, test } from "vitest";
import { labelled, ticks } from "./scale";

test.each([
  [0, [0, 1]],
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [10, [0, 5, 10]],
  [37, [0, 10, 20, 30, 40]],
  [1_234, [0, 500, 1_000, 1_500]],
])("the scale up to %i", (most, expected) => {
  expect(ticks(most)).toEqual(expected);
});

test("labels are few, and begin with the first", () => {
  expect(labelled(24, 5)).toEqual([0, 6, 12, 18]);
  expect(labelled(3, 5)).toEqual([0, 1, 2]);
  expect(labelled(1, 5)).toEqual([0]);
  expect(labelled(0, 5)).toEqual([]);
});
