/**
 * The focus of a page that arrives. Its code may come a while after it was asked for, and what someone types meanwhile, in a
 * dialog that stands above all pages, must not go into a form behind it.
 */
import { useLayoutEffect } from "react";

let above = 0;

/** For a dialog that outlives the page that it was opened on. */
export function useStandsAbovePages(opened: boolean) {
  // What was closed has let go before the next page asks.
  useLayoutEffect(() => {
    if (!opened) return;
    above += 1;
    return () => {
      above -= 1;
    };
  }, [opened]);
}

/** Focuses where a page begins, unless a dialog stands above it. */
export function focusArrived(element: HTMLElement | null) {
  if (above === 0) element?.focus({ preventScroll: true });
}
