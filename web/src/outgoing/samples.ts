/** Which kinds of events a webhook gets, and what there is to try it with. */

/** Whether a kind of event is one of those that a pattern stands for: a name, `*`, or a beginning such as `email_*`. */
export function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/** The kinds that a webhook gets, in the order of its own list, those named before those that a pattern brings. */
export function fitting(patterns: readonly string[], names: readonly string[]): string[] {
  const named = patterns.filter((pattern) => !pattern.endsWith("*"));
  const brought = names.filter((name) => patterns.some((pattern) => pattern.endsWith("*") && matches(pattern, name)));
  return [...new Set([...named, ...brought])];
}

/** The dotted paths to what is in a sample, for completion. Items of arrays have no names. */
export function pathsOf(value: unknown, prefix: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) return [];
    const path = `${prefix}.${name}`;
    return [path, ...pathsOf(inner, path)];
  });
}
