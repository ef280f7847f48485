/** A request to try a webhook with. */

export const SAMPLE = {
  event: "subscriber_added",
  data: { email: "ada@example.com", first_name: "Ada", last_name: "Lovelace" },
};

interface Receiver {
  url: string;
  event_type: string;
}

/** A command for a POSIX shell that sends a sample. */
export function curlOf({ url, event_type }: Receiver): string {
  const body = JSON.stringify({ ...SAMPLE, event: event_type });
  return `curl ${quoted(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(body)}`;
}

/** A word of the shell: within single quotes everything but these stands for itself. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
