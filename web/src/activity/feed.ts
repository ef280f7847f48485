/** What happens, live: the API's server-sent events (`GET /feed`), which keep nothing, so that gaps are filled from the log. */
import { useEffect, useRef, useState } from "react";
import { BASE } from "../api/client";

/** What the feed tells of a request or a delivery: less than the log does. */
export interface FeedEntry {
  kind: "request" | "delivery" | "event";
  id: string;
  status?: string;
  [member: string]: unknown;
}

/** `connecting` is short: `lost` when it failed again. */
export type FeedState = "connecting" | "live" | "lost" | "paused";

export interface FeedListener {
  onEntry: (entry: FeedEntry) => void;
  /** Something may have been missed: look into the log. */
  onGap: () => void;
}

/** How long to wait after the server refused, in milliseconds; after a broken connection the browser comes again by itself. */
const COME_AGAIN = 5_000;
const KINDS = ["request", "delivery", "event"] as const;

export function parseEntry(kind: FeedEntry["kind"], data: string): FeedEntry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof entry !== "object" || entry === null || !("id" in entry) || typeof entry.id !== "string") return undefined;
  return { ...entry, kind, id: entry.id };
}

/**
 * Listens to what `wanted` says, in the form of a query, while the page is seen: a browser has few connections to one server,
 * and a tab that nobody looks at must not hold one.
 */
export function useFeed(wanted: string, paused: boolean, listener: FeedListener): FeedState {
  const [state, setState] = useState<FeedState>("connecting");
  const current = useRef(listener);
  useEffect(() => {
    current.current = listener;
  });
  useEffect(() => {
    if (paused) return;
    return connected(wanted, setState, () => current.current);
  }, [wanted, paused]);
  return paused ? "paused" : state;
}

/** Keeps a connection until what it gives back is called. */
function connected(wanted: string, tell: (state: FeedState) => void, listener: () => FeedListener): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let fails = 0;
  const open = () => {
    source = new EventSource(`${BASE}/feed?${wanted}`);
    source.addEventListener("hello", () => {
      fails = 0;
      tell("live");
      // What came before the connection was there is in the log only.
      listener().onGap();
    });
    source.addEventListener("lagged", () => listener().onGap());
    for (const kind of KINDS) {
      source.addEventListener(kind, (message) => {
        const entry = parseEntry(kind, String(message.data));
        if (entry) listener().onEntry(entry);
      });
    }
    source.onerror = () => {
      fails += 1;
      tell(fails > 1 ? "lost" : "connecting");
      if (source?.readyState !== EventSource.CLOSED) return;
      // A question to the log finds out why, such as a session that has ended.
      tell("lost");
      listener().onGap();
      timer = setTimeout(open, COME_AGAIN);
    };
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const look = () => {
    if (document.hidden) close();
    else if (!source) open();
  };
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    document.removeEventListener("visibilitychange", look);
    close();
  };
}
