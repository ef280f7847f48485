/** A request as a command for a POSIX shell, for trying it elsewhere. */

export interface Sent {
  method: string;
  url: string;
  headers: Record<string, unknown>;
  body: unknown;
}

/** What the other side makes itself, and what must not be repeated. */
const LEFT_OUT = ["host", "content-length", "connection", "accept-encoding", "content-encoding", "transfer-encoding"];

export function asCurl({ method, url, headers, body }: Sent): string {
  const lines = [`curl -X ${method} ${quoted(url)}`];
  for (const [name, value] of Object.entries(headers)) {
    if (LEFT_OUT.includes(name.toLowerCase())) continue;
    for (const one of Array.isArray(value) ? value : [value]) lines.push(`-H ${quoted(`${name}: ${String(one)}`)}`);
  }
  if (body !== null && body !== undefined && body !== "") lines.push(`--data-raw ${quoted(typeof body === "string" ? body : JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

/** A word of the shell: within single quotes everything but these stands for itself. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
