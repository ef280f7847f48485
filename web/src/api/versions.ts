/** The versions of what was read (`ETag`), so that a change can say which one it is meant for (`If-Match`). */
const versions = new Map<string, string>();

/** Remembers the version of an answer. One that has none leaves what is known. */
export function rememberVersion(request: Request, response: Response) {
  const version = response.headers.get("ETag");
  if (version && response.ok) versions.set(new URL(request.url).pathname, version);
}

/** The headers of a change that is meant for what was read last at this path. */
export function meantForLastSeen(path: string): Record<string, string> {
  const version = versions.get(path);
  return version ? { "If-Match": version } : {};
}
