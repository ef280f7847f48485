/** Actions in another order. */

/** With the one at `from` at the place `to`. */
export function moved<T>(all: T[], from: number, to: number): T[] {
  const rest = all.filter((_, index) => index !== from);
  return [...rest.slice(0, to), ...all.slice(from, from + 1), ...rest.slice(to)];
}
