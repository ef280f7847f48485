/** What is known of a log: its pages, the newest first, and how what is newer joins them. */

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

/** What of a page is newer than the first known row. If it does not reach back to what is known, there is more than it holds. */
export function newer<R extends Row>(known: R[], page: LogPage<R>): Newer<R> {
  const ids = new Set(known.map(({ id }) => id));
  const first = known[0]?.id ?? "";
  const rows = page.rows.filter(({ id }) => !ids.has(id) && id > first);
  const reaches = known.length === 0 || page.next === undefined || page.rows.some(({ id }) => ids.has(id));
  return reaches ? { kind: "rows", rows } : { kind: "too_many" };
}

/** With newer rows before all others. */
export function withNewer<R extends Row>(pages: LogPage<R>[], rows: R[]): LogPage<R>[] {
  const ids = new Set(rowsOf(pages).map(({ id }) => id));
  const [first, ...rest] = pages;
  if (!first) return pages;
  return [{ ...first, rows: [...rows.filter(({ id }) => !ids.has(id)), ...first.rows] }, ...rest];
}

/** With one row changed; the same rows if there is no such row. */
export function rowsWith<R extends Row>(rows: R[], id: string, change: (row: R) => R): R[] {
  return rows.some((row) => row.id === id) ? rows.map((row) => (row.id === id ? change(row) : row)) : rows;
}

/** With one row changed; the same pages if there is no such row. */
export function withChanged<R extends Row>(pages: LogPage<R>[], id: string, change: (row: R) => R): LogPage<R>[] {
  const at = pages.findIndex(({ rows }) => rows.some((row) => row.id === id));
  if (at < 0) return pages;
  return pages.map((page, index) => (index === at ? { ...page, rows: rowsWith(page.rows, id, change) } : page));
}

/** With these rows as they are by now, each in its place; those that are not known are left out. */
export function withRenewed<R extends Row>(pages: LogPage<R>[], rows: R[]): LogPage<R>[] {
  const now = new Map(rows.map((row) => [row.id, row]));
  return pages.map((page) => ({ ...page, rows: page.rows.map((row) => now.get(row.id) ?? row) }));
}

/** With the first page as it is by now, and behind it what is older. */
export function withFirst<R extends Row>(pages: LogPage<R>[], page: LogPage<R>): LogPage<R>[] {
  const end = endOf(page);
  if (end === undefined) return pages;
  const older = pages.map((known) => ({ ...known, rows: known.rows.filter(({ id }) => id < end) }));
  const [first, ...rest] = older;
  if (!first || rowsOf(older).length === 0) return [page];
  return [{ ...first, rows: [...page.rows, ...first.rows] }, ...rest];
}

/** Whether entries came or went between those that are known, by what the first page is by now. */
export function isRearranged<R extends Row>(known: R[], page: LogPage<R>): boolean {
  const [first, last, end] = [known[0], known.at(-1), endOf(page)];
  if (!first || !last || end === undefined) return false;
  const both = (rows: R[]) => rows.filter(({ id }) => id <= first.id && id >= last.id && id >= end).map(({ id }) => id);
  return both(known).join() !== both(page.rows).join();
}

/** The id down to which a first page holds all there is: below all others if nothing follows; nothing if it found none yet. */
function endOf<R extends Row>({ rows, next }: LogPage<R>): string | undefined {
  return next === undefined ? "" : rows.at(-1)?.id;
}

/** Whether an entry that is not known belongs between those that are: it came to be what is looked for. */
export function liesWithin<R extends Row>(known: R[], id: string): boolean {
  const [first, last] = [known[0], known.at(-1)];
  return first !== undefined && last !== undefined && id < first.id && id > last.id;
}
