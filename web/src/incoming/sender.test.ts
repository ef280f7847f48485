import { expect, test } from "vitest";
import { restOf, withoutGaps } from "./sender";

test("what says nothing is not shown, and what was taken out is undone", () => {
  const rest = restOf({ id: "shop", name: "Shop", event: ["body:type"], dedupe: [], on_unprocessable: "refuse" });
  expect(rest).toEqual({ event: ["body:type"] });
  expect(withoutGaps({})).toMatchObject({ event: [], mapping: [], records: null });
  expect(withoutGaps(rest).event).toEqual(["body:type"]);
});
