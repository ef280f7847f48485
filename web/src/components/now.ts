/** What time it is, for "3 minutes ago": told anew every few seconds. One timer serves all who look. */
import { useSyncExternalStore } from "react";

const TICK = 5_000;
const listeners = new Set<() => void>();
const clock = () => Date.now();
let ticks = 0;
let timer: ReturnType<typeof setInterval> | undefined;

export function useNow(): number {
  useSyncExternalStore(subscribe, () => ticks);
  // Not as of the last tick: what came since would lie in the future.
  return clock();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  timer ??= setInterval(tick, TICK);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick() {
  ticks += 1;
  listeners.forEach((listener) => listener());
}
