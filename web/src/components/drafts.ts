/**
 * What was typed and not yet saved. It stands outside of the forms, so that it outlives them: another tab of the page, an
 * answer that did not come, a session that ended, a page that is loaded again. The browser keeps it for as long as its tab is
 * open, but for secrets, which stay in memory (`kept.ts`).
 */
import { useSyncExternalStore } from "react";
import { keep, kept, same, withKept, type Entry } from "./kept";
import { collide, merged, rebased } from "./merging";

export { same } from "./kept";

export interface Draft<T> {
  /** What was typed, or else what is saved. */
  value: T;
  set: (value: T) => void;
  /** Sets some members of it. */
  change: (members: Partial<T>) => void;
  /** Whether it differs from what is saved. */
  dirty: boolean;
  /** Forgets what was typed: it was saved, or is not wanted. */
  reset: () => void;
  /** What someone else saved meanwhile, or undefined. */
  theirs: T | undefined;
  /** What was typed stays, in the knowledge of what someone else saved. */
  keepMine: () => void;
  /** Whether a secret that was typed is gone, because the page was loaded again. */
  leftOut: boolean;
}

const entries = new Map<string, Entry>();
const listeners = new Set<() => void>();
/** Whose drafts they are. */
let owner: string | undefined;

/** The draft of one form. `key` names the form and what it changes: `incoming/a1b2c3d4e5f6/mapping`. */
export function useDraft<T>(key: string, saved: T): Draft<T> {
  return useEntry(key, saved, false);
}

/** What is typed to try something out, such as a sample: it is still there when one comes back, and nobody is asked before leaving it. */
export function useScratch<T>(key: string, initial: T): Draft<T> {
  return useEntry(key, initial, true);
}

function useEntry<T>(key: string, saved: T, scratch: boolean): Draft<T> {
  const entry = useSyncExternalStore(subscribe, () => entries.get(key));
  const base = entry ? withKept(entry.base as T, saved) : saved;
  // From the store and not from the last rendering: two changes may come between two renderings.
  const latest = () => (entries.has(key) ? merged(base, saved, withKept(entries.get(key)?.value as T, saved)) : saved);
  const value = latest();
  const typed = entry ? withKept(entry.value as T, saved) : saved;
  const set = (next: T) =>
    write(key, same(next, saved) ? undefined : { ...entries.get(key), value: next, base: rebased(base, saved, typed), scratch, page: location.pathname });
  return {
    value,
    set,
    change: (members) => set({ ...latest(), ...members }),
    dirty: entry !== undefined && !same(value, saved),
    reset: () => write(key, undefined),
    theirs: entry !== undefined && collide(base, saved, value) ? saved : undefined,
    keepMine: () => write(key, entry && { ...entry, value, base: saved }),
    leftOut: entry?.leftOut ?? false,
  };
}

/** Whether anything was typed on this page that is not saved, and is meant to be. */
export function hasDrafts(): boolean {
  return [...entries.values()].some(isOfThisPage);
}

/** Says who works here. What the same person typed before the page was loaded again is there again; what someone else typed is not. */
export function draftsAreOf(user: string) {
  if (owner === user) return;
  const before = owner === undefined ? kept(user) : new Map<string, Entry>();
  owner = user;
  entries.clear();
  before.forEach((entry, key) => entries.set(key, entry));
  tellAll();
}

/** Gives up what was typed on this page and not saved. */
export function giveUpDrafts() {
  entries.forEach((entry, key) => isOfThisPage(entry) && entries.delete(key));
  tellAll();
}

/** What was typed on another one, before the page was loaded again, waits there. */
function isOfThisPage({ scratch, page }: Entry): boolean {
  return !scratch && page === location.pathname;
}

/** Forgets all that was typed here: whoever comes next is someone else. */
export function forgetDrafts() {
  entries.clear();
  tellAll();
}

function write(key: string, entry: Entry | undefined) {
  if (entry) entries.set(key, entry);
  else entries.delete(key);
  tellAll();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tellAll() {
  if (owner !== undefined) keep(owner, entries);
  listeners.forEach((listener) => listener());
}
