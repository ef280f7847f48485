import { expect, test } from "vitest";
import { parseLogFilters } from "./filters";

test("filters are texts, and nothing else is taken", () => {
  expect(parseLogFilters({ status: "failed", q: 42, event_type: "", other: "x", entry: ["no"] })).toEqual({ status: "failed", q: "42" });
});
