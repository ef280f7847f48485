import { expect, test } from "vitest";
import { percentDone } from "./tasks";

test.each([
  [0, 0, 100],
  [0, 3, 0],
  [1, 3, 33],
  [999, 1_000, 99],
  [3, 3, 100],
  [4, 3, 100],
])("%i of %i is %i %%", (done, total, percent) => {
  expect(percentDone({ done, total })).toBe(percent);
});
