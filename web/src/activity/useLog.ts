/** A log that is looked at: page by page backwards, and live forwards. */
import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData, type QueryKey } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { tellTrouble } from "../components/tell";
import { useFeed, type FeedEntry, type FeedState } from "./feed";
import { liesWithin, newer, rowsOf, withChanged, withLoaded, withNewer, type LogPage, type Row } from "./log";

/** Entries of the first page: what fits on a screen, so that it is there at once. */
const FIRST = 50;
/** Entries of each further page. */
const FURTHER = 100;
/** How long entries are collected before the log is asked for them, in milliseconds. A flood must not become one of questions. */
const COLLECT = 400;

export interface LogQuestion {
  cursor?: string;
  since?: string;
  limit: number;
}

export interface LogSource<R extends Row> {
  /** What it is the log of, and by which filters. */
  key: QueryKey;
  load: (question: LogQuestion) => Promise<LogPage<R>>;
  /** What the feed is asked for, as a query, if it tells of it. */
  feed?: string;
  /** How often it is asked for what is new, in milliseconds, if the feed does not tell. */
  every?: number;
  /** Whether nothing new can belong to it. */
  closed?: boolean;
  /** A row after what the feed tells of it. */
  change: (row: R, entry: FeedEntry) => R;
  /** Whether what the feed tells may belong to a log narrowed like this. */
  belongs: (entry: FeedEntry) => boolean;
}

/** What came meanwhile and is not shown yet. */
export interface Waiting<R> {
  rows: R[];
  /** Whether there is more than was looked at. */
  more: boolean;
}

type Pages<R> = InfiniteData<LogPage<R>, string | undefined>;

export function useLog<R extends Row>(source: LogSource<R>, paused: boolean) {
  const client = useQueryClient();
  const top = useRef(true);
  const [found, setFound] = useState<{ key: string; waiting: Waiting<R> }>();
  const query = useInfiniteQuery({
    queryKey: source.key,
    queryFn: ({ pageParam }) => source.load({ cursor: pageParam, limit: pageParam ? FURTHER : FIRST }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    // It follows the feed; all pages again would be many questions, and would move what one reads.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnReconnect: false,
  });
  const known = () => client.getQueryData<Pages<R>>(source.key)?.pages;
  const change = (after: (pages: LogPage<R>[]) => LogPage<R>[]) =>
    client.setQueryData<Pages<R>>(source.key, (data) => data && { ...data, pages: after(data.pages) });
  const name = JSON.stringify(source.key);
  const hold = (waiting: Waiting<R> | undefined) => setFound(waiting && { key: name, waiting });

  /** Whether something may have happened to known rows that the feed did not tell. */
  const gap = useRef(false);
  /** What the feed tells while the log is asked: the answer may be from before. */
  const told = useRef<FeedEntry[]>(undefined);
  const look = async () => {
    const pages = known();
    if (!pages || source.closed || paused) return;
    const newest = gap.current ? undefined : rowsOf(pages)[0]?.at;
    gap.current = false;
    const during: FeedEntry[] = (told.current = []);
    const page = await source.load(newest === undefined ? { limit: FIRST } : { since: newest, limit: FURTHER }).catch(() => undefined);
    told.current = undefined;
    // Without an answer there is nothing to say here: the state of the connection says it.
    if (!page) return void (gap.current = true);
    const rows = page.rows.map((row) => during.filter(({ id }) => id === row.id).reduce(source.change, row));
    change((pages) => withLoaded(pages, rows));
    const fresh = newer(rowsOf(known() ?? []), { ...page, rows });
    if (fresh.kind === "too_many") return hold({ rows: [], more: true });
    if (fresh.rows.length === 0) return;
    if (!top.current) return hold({ rows: fresh.rows, more: false });
    hold(undefined);
    change((pages) => withNewer(pages, fresh.rows));
  };
  const lookSoon = useCollected(look, COLLECT);
  useEffect(() => {
    if (source.every === undefined) return;
    const timer = setInterval(() => document.hidden || lookSoon(), source.every);
    return () => clearInterval(timer);
  }, [source.every, lookSoon]);

  const state: FeedState = useFeed(source.feed ?? "", paused || source.feed === undefined, {
    onGap: () => {
      gap.current = true;
      lookSoon();
    },
    onEntry: (entry) => {
      told.current?.push(entry);
      const pages = known();
      if (!pages) return;
      const after = withChanged(pages, entry.id, (row) => source.change(row, entry));
      if (after !== pages) return void change(() => after);
      if (!source.belongs(entry)) return;
      if (liesWithin(rowsOf(pages), entry.id)) hold({ rows: [], more: true });
      else lookSoon();
    },
  });

  const waiting = found?.key === name ? found.waiting : undefined;
  /** Shows the log as it is now, from its newest entry on. */
  const reload = async () => {
    hold(undefined);
    try {
      const page = await source.load({ limit: FIRST });
      client.setQueryData<Pages<R>>(source.key, { pages: [page], pageParams: [undefined] });
    } catch (error) {
      tellTrouble(error);
    }
  };
  /** Shows what waits. */
  const show = () => {
    if (!waiting || waiting.more) return reload();
    hold(undefined);
    change((pages) => withNewer(pages, waiting.rows));
  };
  const setTop = useCallback((isTop: boolean) => {
    top.current = isTop;
  }, []);
  return { query, state, waiting, show, reload, setTop };
}

/** A function that runs once for all calls within a time, and never twice at once. */
function useCollected(run: () => Promise<void>, millis: number): () => void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const running = useRef<Promise<void>>(Promise.resolve());
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      running.current = running.current.then(() => latest.current());
    }, millis);
  }, [millis]);
}
