/** What is known of a log: its pages, the newest first, and how what is newer joins them. */

import { same } from "../components/kept";

export interface Row {
  /** Unique, and sorts by time. */
  id: string;
  at: string;
}

export interface LogPage<R> {
  rows: R[];
  /** Where the next one begins. */
  next: string | undefined;
  /** If the search ended early: what is older was not looked at. */
  searchedUntil: string | undefined;
}

/** What is newer than the first row that is known. */
export type Newer<R> = { kind: "rows"; rows: R[] } | { kind: "too_many" };

export function rowsOf<R>(pages: LogPage<R>[]): R[] {
  return pages.flatMap(({ rows }) => rows);
}

/** What of a page, asked for since the first known row, is new. If it does not reach back to that row, there is more than it holds. */
export function newer<R extends Row>(known: R[], page: LogPage<R>): Newer<R> {
  const ids = new Set(known.map(({ id }) => id));
  const rows = page.rows.filter(({ id }) => !ids.has(id));
  const reaches = page.next === undefined || page.rows.some(({ id }) => ids.has(id));
  return reaches ? { kind: "rows", rows } : { kind: "too_many" };
}

/** With newer rows before all others. */
export function withNewer<R extends Row>(pages: LogPage<R>[], rows: R[]): LogPage<R>[] {
  const ids = new Set(rowsOf(pages).map(({ id }) => id));
  const [first, ...rest] = pages;
  if (!first) return pages;
  return [{ ...first, rows: [...rows.filter(({ id }) => !ids.has(id)), ...first.rows] }, ...rest];
}

/** With rows as they were loaded again; the same pages if all are as they were. */
export function withLoaded<R extends Row>(pages: LogPage<R>[], loaded: R[]): LogPage<R>[] {
  const byId = new Map(loaded.map((row) => [row.id, row]));
  const isOld = (row: R) => byId.has(row.id) && !same(byId.get(row.id), row);
  if (!rowsOf(pages).some(isOld)) return pages;
  return pages.map((page) => (page.rows.some(isOld) ? { ...page, rows: page.rows.map((row) => byId.get(row.id) ?? row) } : page));
}

/** With one row changed; the same pages if there is no such row. */
export function withChanged<R extends Row>(pages: LogPage<R>[], id: string, change: (row: R) => R): LogPage<R>[] {
  const at = pages.findIndex(({ rows }) => rows.some((row) => row.id === id));
  if (at < 0) return pages;
  return pages.map((page, index) => (index === at ? { ...page, rows: page.rows.map((row) => (row.id === id ? change(row) : row)) } : page));
}

/** Whether an entry that is not known belongs between those that are: it came to be what is looked for. */
export function liesWithin<R extends Row>(known: R[], id: string): boolean {
  const [first, last] = [known[0], known.at(-1)];
  return first !== undefined && last !== undefined && id < first.id && id > last.id;
}
