/** What a link carries stands behind the `#`, so that it is in no server's log and in no `Referer`. */
export function linkOfAddress(): string {
  return location.hash.slice(1);
}
