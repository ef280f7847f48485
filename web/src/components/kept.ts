/** Drafts as the browser keeps them for a tab (`sessionStorage`): without secrets, and for the person who typed them alone. */

export interface Entry {
  value: unknown;
  /** What the server had when the editing began. */
  base: unknown;
  /** The path of the page on which it was typed. */
  page?: string;
  /** Whether it only tries something out, so that nobody is asked whether to leave it. */
  scratch?: boolean;
  /** Whether a secret that was typed is gone, because the page was loaded again. */
  leftOut?: boolean;
}

const STORED = "ccsp-drafts";
/** How much is stored, in characters: half of what browsers give a page. */
const MOST = 2_500_000;
/** Members that are secrets, wherever they stand. */
const SECRET = new Set(["secret", "password", "token", "api_key", "client_key", "client_secret"]);
/** Members whose own members have names that people give them, and values that may be secrets. */
const NAMED = new Set(["headers", "params"]);
/** What is no secret of an authentication. All the rest of it is. */
const SHOWN_OF_AUTH = new Set(["method", "header", "username", "token_url", "client_id", "client_auth", "scope", ...NAMED]);

// No text that is typed begins as these do.
/** Stands where a secret is as it was when the editing began. */
const AS_SAVED = "\u0000";
/** Stands where a secret was typed. */
const TYPED = "\u0000typed";

export function keep(owner: string, entries: Map<string, Entry>) {
  try {
    if (entries.size === 0) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, JSON.stringify({ owner, entries: fitting(withoutSecrets(entries)) }));
  } catch {
    // There is no room, or the browser keeps nothing: what was typed is in memory, as long as the page is open.
  }
}

/** What this person typed before the page was loaded again. */
export function kept(owner: string): Map<string, Entry> {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    if (typeof stored !== "object" || stored === null || !("owner" in stored) || stored.owner !== owner || !("entries" in stored)) return new Map();
    return new Map((stored.entries as [string, Entry][]).map(([key, entry]) => [key, { ...entry, leftOut: entry.leftOut || holds(entry.value, TYPED) }]));
  } catch {
    return new Map();
  }
}

/** The entries as they may be stored. */
export function withoutSecrets(entries: Map<string, Entry>): [string, Entry][] {
  return [...entries].map(([key, entry]) => [key, { ...entry, value: strip(entry.value, entry.base), base: strip(entry.base, entry.base) }]);
}

/** The smallest of them, so that one large text doesn't push out all others. */
export function fitting(entries: [string, Entry][], most = MOST): [string, Entry][] {
  const sized = entries.map((entry) => ({ entry, size: JSON.stringify(entry).length })).toSorted((one, other) => one.size - other.size);
  let room = most;
  return sized.filter(({ size }) => (room -= size) >= 0).map(({ entry }) => entry);
}

function strip(value: unknown, base: unknown, name = "", within = ""): unknown {
  if (value === undefined || value === null || value === "") return value;
  if (isSecret(name, within)) return same(value, base) ? AS_SAVED : TYPED;
  if (Array.isArray(value)) return value.map((item, at) => strip(item, memberOf(base, at)));
  if (typeof value !== "object") return value;
  // A name without a value may be a secret that was put in the wrong place.
  const members = Object.entries(value).filter(([, member]) => !NAMED.has(name) || member !== "");
  return Object.fromEntries(members.map(([own, member]) => [own, strip(member, memberOf(base, own), own, name)]));
}

function isSecret(name: string, within: string): boolean {
  return SECRET.has(name) || NAMED.has(within) || (within === "auth" && !SHOWN_OF_AUTH.has(name));
}

/** A value that was stored, with what is saved in place of what was left out. A secret that was typed has to be typed again. */
export function withKept<T>(value: T, saved: T): T {
  if (!holds(value, AS_SAVED)) return value;
  return filled(value, saved, "", "") as T;
}

function holds(value: unknown, gap: string): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some((member) => holds(member, gap));
  return typeof value === "string" && value.startsWith(gap);
}

function filled(value: unknown, saved: unknown, name: string, within: string): unknown {
  if (value === AS_SAVED) return saved;
  if (value === TYPED) return within === "auth" || NAMED.has(within) ? "" : undefined;
  if (Array.isArray(value)) return value.map((item, at) => filled(item, memberOf(saved, at), "", ""));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([own, member]) => [own, filled(member, memberOf(saved, own), own, name)]);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function memberOf(value: unknown, name: string | number): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[name] : undefined;
}

/** Both come of JSON, or go into it. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
