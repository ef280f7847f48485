import { expect, test } from "vitest";
import { collide, merged, rebased } from "./merging";

const base = { name: "a", phone: "1", tags: ["x"] };

test("what I left alone is as they saved it, and what I changed is mine", () => {
  const theirs = { ...base, phone: "2" };
  expect(merged(base, theirs, { ...base, name: "b" })).toEqual({ name: "b", phone: "2", tags: ["x"] });
  expect(collide(base, theirs, { ...base, name: "b" })).toBe(false);
  expect(merged(base, theirs, base)).toEqual(theirs);
  const mine = { ...base, name: "b" };
  expect(merged(base, base, mine)).toBe(mine);
});

test("what both changed is mine, and said to be", () => {
  const theirs = { ...base, phone: "2", tags: ["y"] };
  const mine = { ...base, phone: "3", tags: ["y"] };
  expect(merged(base, theirs, mine)).toEqual(mine);
  expect(collide(base, theirs, mine)).toBe(true);
  expect(collide(base, theirs, { ...mine, phone: "2" })).toBe(false);
  expect([merged("a", "b", "c"), merged("a", "b", "a")]).toEqual(["c", "b"]);
  expect([collide("a", "b", "c"), collide("a", "b", "a"), collide("a", "b", "b")]).toEqual([true, false, false]);
});

test("what they change next is followed as well", () => {
  const theirs = { ...base, phone: "2" };
  const mine = { ...base, name: "b" };
  const next = rebased(base, theirs, mine);
  expect(next).toEqual(theirs);
  const third = { ...theirs, phone: "3" };
  expect(merged(next, third, merged(base, theirs, mine))).toEqual({ ...third, name: "b" });
  expect(rebased(base, { ...base, name: "c" }, mine)).toEqual(base);
});
