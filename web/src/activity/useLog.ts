/** A log that is looked at: page by page backwards, and live forwards. */
import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData, type QueryKey } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { tellTrouble } from "../components/tell";
import { useFeed, type FeedEntry, type FeedState } from "./feed";
import { inFlight } from "./inFlight";
import { isRearranged, liesWithin, newer, rowsOf, rowsWith, withChanged, withFirst, withNewer, withRenewed, type LogPage, type Row } from "./log";

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

interface Found<R> {
  /** Of which log, as text. */
  key: string;
  waiting: Waiting<R>;
}

type Pages<R> = InfiniteData<LogPage<R>, string | undefined>;

export function useLog<R extends Row>(source: LogSource<R>, paused: boolean) {
  const client = useQueryClient();
  const top = useRef(true);
  // Whether something may have been missed, so that what is known is asked for as well.
  const gap = useRef(false);
  const reloads = useRef(0);
  const [flight] = useState(() => inFlight<FeedEntry>());
  const [found, setFound] = useState<Found<R>>();
  const load = (question: LogQuestion) => flight.load(() => source.load(question), source.change);
  const query = useInfiniteQuery({
    queryKey: source.key,
    queryFn: ({ pageParam }) => load({ cursor: pageParam, limit: pageParam ? FURTHER : FIRST }),
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

  const look = async () => {
    const pages = known();
    const whole = gap.current;
    if (!pages || paused || (source.closed && !whole)) return;
    const reloaded = reloads.current;
    gap.current = false;
    const rows = rowsOf(pages);
    const first = whole || rows.length === 0;
    const page = await load(first ? { limit: rows.length > FIRST ? FURTHER : FIRST } : { since: rows[0]?.at, limit: FURTHER }).catch(() => undefined);
    // Without an answer there is nothing to say here: the state of the connection says it.
    if (!page) return void (gap.current ||= whole);
    // What was asked for later is shown already.
    if (reloads.current !== reloaded) return;
    change((pages) => withRenewed(pages, page.rows));
    const now = rowsOf(known() ?? []);
    const fresh = newer(now, page);
    if (fresh.kind === "too_many") return hold({ rows: [], more: true });
    const rearranged = first && isRearranged(now, page);
    if (fresh.rows.length === 0 && !rearranged) return;
    if (!top.current) return hold({ rows: fresh.rows, more: rearranged });
    hold(undefined);
    change((pages) => (first ? withFirst(pages, page) : withNewer(pages, fresh.rows)));
  };
  const lookSoon = useCollected(look, COLLECT);
  const arrived = query.isSuccess && !query.isPlaceholderData;
  useEffect(() => {
    // What was told before the log was there.
    if (arrived && gap.current) lookSoon();
  }, [arrived, lookSoon]);
  useEffect(() => {
    if (source.every === undefined) return;
    const timer = setInterval(() => document.hidden || lookSoon(), source.every);
    return () => clearInterval(timer);
  }, [source.every, lookSoon]);

  const missed = () => {
    gap.current = true;
    lookSoon();
  };
  const state: FeedState = useFeed(source.feed ?? "", paused || source.feed === undefined, {
    onGap: missed,
    onEntry: (entry) => {
      if (!flight.tell(entry)) missed();
      const pages = known();
      if (!pages) return;
      setFound((found) => found && withHeld(found, entry.id, (row) => source.change(row, entry)));
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
    reloads.current += 1;
    try {
      const page = await load({ limit: FIRST });
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

/** With one of the rows that wait changed. */
function withHeld<R extends Row>(found: Found<R>, id: string, change: (row: R) => R): Found<R> {
  const rows = rowsWith(found.waiting.rows, id, change);
  return rows === found.waiting.rows ? found : { ...found, waiting: { ...found.waiting, rows } };
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
