import { expect, test } from "vitest";
import { addedUp } from "./totals";

test("numbers are added, period by period, in order of time", () => {
  const one = { delivered: 2, failed: 1, pending: 1, retrying: 0, series: [{ at: "2026-01-02", delivered: 2, failed: 1 }] };
  const other = { delivered: 1, failed: 0, pending: 0, retrying: 3, series: [{ at: "2026-01-01", delivered: 1, failed: 0 }, { at: "2026-01-02", delivered: 0, failed: 4 }] };
  expect(addedUp([one, other])).toEqual({
    delivered: 3, failed: 1, waiting: 4,
    series: [{ at: "2026-01-01", delivered: 1, failed: 0 }, { at: "2026-01-02", delivered: 2, failed: 5 }],
  });
});
