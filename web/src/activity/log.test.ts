import { expect, test } from "vitest";
import { liesWithin, newer, rowsOf, withChanged, withLoaded, withNewer, type LogPage, type Row } from "./log";

const row = (id: string): Row => ({ id, at: "2026-05-01T12:00:00Z" });
const page = (ids: string[], next?: string): LogPage<Row> => ({ rows: ids.map(row), next, searchedUntil: undefined });
const ids = (pages: LogPage<Row>[]) => rowsOf(pages).map(({ id }) => id);

test("what is new is what is not known, if the page reaches back to what is", () => {
  const known = [row("c"), row("b")];
  expect(newer(known, page(["e", "d", "c"], "more"))).toEqual({ kind: "rows", rows: [row("e"), row("d")] });
  expect(newer(known, page(["d"]))).toEqual({ kind: "rows", rows: [row("d")] });
  expect(newer(known, page([]))).toEqual({ kind: "rows", rows: [] });
  expect(newer(known, page(["f", "e"], "more"))).toEqual({ kind: "too_many" });
});

test("newer rows come first, and none comes twice", () => {
  const pages = withNewer([page(["c", "b"], "x"), page(["a"])], [row("d"), row("c")]);
  expect(ids(pages)).toEqual(["d", "c", "b", "a"]);
  expect(pages[0]?.next).toBe("x");
  expect(withNewer([], [row("d")])).toEqual([]);
});

test("one row changes, in its place, and pages without it stay the same", () => {
  const pages = [page(["c"]), page(["b", "a"])];
  const changed = withChanged(pages, "b", (before) => ({ ...before, at: "then" }));
  expect(changed[0]).toBe(pages[0]);
  expect(changed[1]?.rows.map(({ at }) => at)).toEqual(["then", row("a").at]);
  expect(withChanged(pages, "z", (before) => before)).toBe(pages);
});

test("an entry lies within by its id", () => {
  const known = [row("c"), row("a")];
  expect(["d", "c", "b", "a", "0"].map((id) => liesWithin(known, id))).toEqual([false, false, true, false, false]);
  expect(liesWithin([], "a")).toBe(false);
});

test("rows that were loaded again are as they are now, and pages without one that changed stay the same", () => {
  const pages = [page(["c"]), page(["b", "a"])];
  const loaded = withLoaded(pages, [row("d"), row("c"), { id: "b", at: "then" }]);
  expect(loaded[0]).toBe(pages[0]);
  expect(loaded[1]?.rows).toEqual([{ id: "b", at: "then" }, row("a")]);
  expect(withLoaded(pages, [row("c"), row("z")])).toBe(pages);
});
