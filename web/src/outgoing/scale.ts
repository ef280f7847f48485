/** Where the lines of a chart's scale are. */

/** A few round numbers from 0 to at least the most. */
export function ticks(most: number, wanted = 4): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? rough, MIN_STEP);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** What is counted is whole. */
const MIN_STEP = 1;

/** Which of many places get a label: the first, the last, and some between. */
export function labelled(count: number, most: number): number[] {
  if (count <= 0) return [];
  const every = Math.max(1, Math.ceil((count - 1) / Math.max(1, most - 1)));
  return Array.from({ length: count }, (_, index) => index).filter((index) => index % every === 0);
}
