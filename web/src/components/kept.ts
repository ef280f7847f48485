/** Drafts as the browser keeps them for a tab (`sessionStorage`): without secrets, and for the person who typed them alone. */

export interface Entry {
  value: unknown;
  /** What the server had when the editing began. */
  base: unknown;
}

const STORED = "ccsp-drafts";
/** Members that may hold a secret. What is left out is as it is saved, and a new one is typed again. */
const SECRET = new Set(["auth", "headers", "secret", "password", "token", "api_key", "client_key"]);
/** Stands where a secret was. No text that is typed begins with it. */
const LEFT_OUT = "\u0000";

export function keep(owner: string, entries: Map<string, Entry>) {
  try {
    if (entries.size === 0) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, JSON.stringify({ owner, entries: withoutSecrets(entries) }));
  } catch {
    // There is no room, or the browser keeps nothing: what was typed is in memory, as long as the page is open.
  }
}

/** What this person typed before the page was loaded again. */
export function kept(owner: string): Map<string, Entry> {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    if (typeof stored !== "object" || stored === null || !("owner" in stored) || stored.owner !== owner || !("entries" in stored)) return new Map();
    return new Map(stored.entries as [string, Entry][]);
  } catch {
    return new Map();
  }
}

/** The entries as they may be stored; one that says nothing but a secret says nothing. */
export function withoutSecrets(entries: Map<string, Entry>): [string, Entry][] {
  const stripped = [...entries].map(([key, { value, base }]): [string, Entry] => [key, { value: strip(value), base: strip(base) }]);
  return stripped.filter(([, { value, base }]) => JSON.stringify(value) !== JSON.stringify(base));
}

function strip(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null, (name, member: unknown) => (SECRET.has(name) && member !== undefined ? LEFT_OUT : member)));
}

/** A value that was stored, with what is saved in place of what was left out. */
export function withKept<T>(value: T, saved: T): T {
  if (!holdsGap(value)) return value;
  return filled(value, saved) as T;
}

function holdsGap(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.values(value).some(holdsGap);
  return value === LEFT_OUT;
}

function filled(value: unknown, saved: unknown): unknown {
  if (value === LEFT_OUT) return saved;
  if (Array.isArray(value)) return value.map((item, at) => filled(item, memberOf(saved, at)));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, filled(member, memberOf(saved, name))]);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function memberOf(value: unknown, name: string | number): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[name] : undefined;
}
