/** A payload as it is typed. */

export type Parsed = { value: unknown; fault?: undefined } | { value?: undefined; fault: string };

/** Nothing is the event as it is. */
export function parsedPayload(text: string): Parsed {
  if (text.trim() === "") return { value: null };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (fault) {
    return { fault: fault instanceof Error ? fault.message : String(fault) };
  }
}
