/** What makes the one of the other by a merge patch (RFC 7396): what was taken out is null. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (!isObject(before) || !isObject(after)) return after;
  const gone = Object.keys(before).filter((name) => after[name] === undefined).map((name) => [name, null]);
  const left = Object.entries(after).filter(([, value]) => value !== undefined).map(([name, value]) => [name, mergePatch(before[name], value)]);
  return Object.fromEntries([...left, ...gone]);
}

/** Whether a value is an object of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
