/** What becomes of a draft when someone else saves something meanwhile. */
import { isObject } from "../api/mergePatch";
import { same } from "./kept";

/** Mine, with what they changed beside it: a member that I left alone is as they saved it. */
export function merged<T>(base: T, theirs: T, mine: T): T {
  return followed(base, theirs, mine, mine);
}

/** What mine is based on then: what they saved, where I follow them, so that what they change next is followed as well. */
export function rebased<T>(base: T, theirs: T, mine: T): T {
  return followed(base, theirs, mine, base);
}

/** Theirs where I left it alone, and else the other one. */
function followed<T>(base: T, theirs: T, mine: T, other: T): T {
  if (same(base, theirs)) return other;
  if (!isObject(base) || !isObject(theirs) || !isObject(mine) || !isObject(other)) return same(base, mine) ? theirs : other;
  const names = new Set([...Object.keys(theirs), ...Object.keys(other)]);
  return Object.fromEntries([...names].map((name) => [name, same(base[name], mine[name]) ? theirs[name] : other[name]])) as T;
}

/** Whether both changed the same, and not to the same. */
export function collide<T>(base: T, theirs: T, mine: T): boolean {
  if (!isObject(base) || !isObject(theirs) || !isObject(mine)) return !same(base, theirs) && !same(base, mine) && !same(theirs, mine);
  const names = new Set([...Object.keys(theirs), ...Object.keys(mine)]);
  return [...names].some((name) => !same(base[name], theirs[name]) && !same(base[name], mine[name]) && !same(theirs[name], mine[name]));
}
