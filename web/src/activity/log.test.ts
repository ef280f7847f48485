import { expect, test } from "vitest";
import { isRearranged, liesWithin, newer, rowsOf, withChanged, withFirst, withNewer, withRenewed, type LogPage, type Row } from "./log";

const row = (id: string): Row => ({ id, at: "2026-05-01T12:00:00Z" });
const page = (ids: string[], next?: string): LogPage<Row> => ({ rows: ids.map(row), next, searchedUntil: undefined });
const ids = (pages: LogPage<Row>[]) => rowsOf(pages).map(({ id }) => id);

test("what is new is what is not known, if the page reaches back to what is", () => {
  const known = [row("c"), row("b")];
  expect(newer(known, page(["e", "d", "c"], "more"))).toEqual({ kind: "rows", rows: [row("e"), row("d")] });
  expect(newer(known, page(["d"]))).toEqual({ kind: "rows", rows: [row("d")] });
  expect(newer(known, page([]))).toEqual({ kind: "rows", rows: [] });
  expect(newer([row("c"), row("a")], page(["d", "c", "b"]))).toEqual({ kind: "rows", rows: [row("d")] });
  expect(newer(known, page(["f", "e"], "more"))).toEqual({ kind: "too_many" });
});

test("where nothing is known, all is new", () => {
  expect(newer([], page(["b", "a"], "more"))).toEqual({ kind: "rows", rows: [row("b"), row("a")] });
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

test("a known row is as it was asked for last", () => {
  const pages = withRenewed([page(["c", "b"], "x"), page(["a"])], [{ id: "b", at: "now" }, row("d")]);
  expect(rowsOf(pages).map(({ id, at }) => [id, at === "now"])).toEqual([["c", false], ["b", true], ["a", false]]);
});

test("the first page as it is by now takes the place of what it reaches back to", () => {
  const known = [page(["e", "d", "b"], "x"), page(["a"], "y")];
  const now = withFirst(known, page(["f", "d", "c"], "z"));
  expect(ids(now)).toEqual(["f", "d", "c", "b", "a"]);
  expect(now.at(-1)?.next).toBe("y");
  expect(ids(withFirst(known, page(["d"])))).toEqual(["d"]);
  expect(withFirst(known, page(["f", "e", "a"], "z")).at(-1)?.next).toBe("z");
  expect(withFirst(known, page([], "still searching"))).toBe(known);
});

test("it is seen where entries came or went between those that are known, and only there", () => {
  const known = ["e", "d", "b"].map(row);
  expect(isRearranged(known, page(["f", "e", "d", "b", "a"]))).toBe(false);
  expect(isRearranged(known, page(["e", "d"], "x"))).toBe(false);
  expect(isRearranged(known, page(["e", "d", "c"], "x"))).toBe(true);
  expect(isRearranged(known, page(["e", "b"]))).toBe(true);
  expect(isRearranged(known, page([]))).toBe(true);
  expect(isRearranged(known, page([], "still searching"))).toBe(false);
  expect(isRearranged([], page(["a"]))).toBe(false);
});
