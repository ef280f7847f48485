/**
 * Pages of a log that are asked for, and what the feed tells meanwhile. An answer may say how an entry was before it was told
 * otherwise; what was told is done to it once more, so that the log does not keep an old state for ever.
 */
import { rowsWith, type LogPage, type Row } from "./log";

/** What is told during one question and kept for its answer. In a flood that lasts longer it is asked again. */
const MOST_TOLD = 500;

export interface InFlight<E> {
  /** Remembers what is told for all that is asked for now. False if there was no room: then it has to be asked again. */
  tell: (entry: E) => boolean;
  /** Asks for a page, and gives it as it is after all that was told meanwhile. */
  load: <R extends Row>(ask: () => Promise<LogPage<R>>, change: (row: R, entry: E) => R) => Promise<LogPage<R>>;
}

export function inFlight<E extends { id: string }>(most = MOST_TOLD): InFlight<E> {
  const questions = new Set<E[]>();
  return {
    tell: (entry) => {
      let kept = true;
      for (const told of questions) {
        if (told.length < most) told.push(entry);
        else kept = false;
      }
      return kept;
    },
    load: async (ask, change) => {
      const told: E[] = [];
      questions.add(told);
      try {
        const page = await ask();
        let { rows } = page;
        for (const entry of told) rows = rowsWith(rows, entry.id, (row) => change(row, entry));
        return { ...page, rows };
      } finally {
        questions.delete(told);
      }
    },
  };
}
