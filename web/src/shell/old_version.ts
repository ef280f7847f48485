/** What browsers say when the code of a page is not there any more: Chromium, Firefox, Safari, and Vite for its styles. */
const SAID = ["failed to fetch dynamically imported module", "error loading dynamically imported module", "importing a module script failed", "unable to preload css"];

/** Whether the server was replaced by another version since the page was loaded: its pages have other names. */
export function isOfOldVersion(error: unknown): boolean {
  const message = error instanceof Error ? error.message.toLowerCase() : "";
  return SAID.some((said) => message.includes(said));
}
