/** How moments are said. */

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

interface Formats {
  relative: Intl.RelativeTimeFormat;
  exact: Intl.DateTimeFormat;
}

/** By language. To make one takes as long as to use it a thousand times, and a log has a moment in every row. */
const made = new Map<string, Formats>();

function formatsOf(language: string): Formats {
  const known = made.get(language);
  if (known) return known;
  const formats = {
    relative: new Intl.RelativeTimeFormat(language, { numeric: "auto" }),
    exact: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long" }),
  };
  made.set(language, formats);
  return formats;
}

/** By how many seconds the clock of the server may be ahead: what it says just happened is not to come. */
const AHEAD = 2;

/** "3 minutes ago", in the language given. */
export function ago(at: string, nowMillis: number, language: string): string {
  const difference = Math.round((Date.parse(at) - nowMillis) / 1_000);
  const seconds = difference > 0 && difference <= AHEAD ? 0 : difference;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return formatsOf(language).relative.format(Math.trunc(seconds / size), unit);
}

export function exactly(at: string, language: string): string {
  return formatsOf(language).exact.format(new Date(at));
}
