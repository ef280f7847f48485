/** Statistics of several webhooks as those of one. */

interface Period {
  at: string;
  delivered: number;
  failed: number;
}

interface Stats {
  delivered: number;
  failed: number;
  pending: number;
  retrying: number;
  series: Period[];
}

export function addedUp(all: Stats[]) {
  const periods = new Map<string, Period>();
  const total = { delivered: 0, failed: 0, waiting: 0 };
  for (const { delivered, failed, pending, retrying, series } of all) {
    total.delivered += delivered;
    total.failed += failed;
    total.waiting += pending + retrying;
    for (const period of series) {
      const before = periods.get(period.at) ?? { at: period.at, delivered: 0, failed: 0 };
      periods.set(period.at, { at: period.at, delivered: before.delivered + period.delivered, failed: before.failed + period.failed });
    }
  }
  return { ...total, series: [...periods.values()].sort((a, b) => a.at.localeCompare(b.at)) };
}
