import { expect, test } from "vitest";
import { failing, received, sent } from "./overview";

const hours = (failed: number) => [
  { at: "2026-01-01T10:00:00Z", received: 3, processed: 2, ignored: 1, failed: 0, rejected: 0 },
  { at: "2026-01-01T11:00:00Z", received: failed, processed: 0, ignored: 0, failed, rejected: 1 },
];
const out = [{ at: "2026-01-01T10:00:00Z", delivered: 2, failed: 1, attempts: 3, average_response_ms: 40 }];
const overview = {
  since: "2026-01-01T10:00:00Z",
  incoming: [
    { webhook_id: "a", last_received_at: null, received: 5, processed: 2, ignored: 1, failed: 2, rejected: 1, series: hours(2) },
    { webhook_id: "b", last_received_at: null, received: 3, processed: 2, ignored: 1, failed: 0, rejected: 1, series: hours(0) },
  ],
  outgoing: [
    { webhook_id: "c", last_delivery: null, failing: false, delivered: 2, failed: 1, attempts: 3, average_response_ms: 40, series: out },
    { webhook_id: "d", last_delivery: null, failing: true, delivered: 0, failed: 0, attempts: 3, average_response_ms: 40, series: out },
    { webhook_id: "e", last_delivery: null, failing: false, delivered: 7, failed: 0, attempts: 7, average_response_ms: null, series: [] },
  ],
};

test("what came in and went out is added up, hour by hour", () => {
  expect(received(overview)).toEqual({
    received: 8, failed: 4,
    hours: [{ at: "2026-01-01T10:00:00Z", good: 6, bad: 0 }, { at: "2026-01-01T11:00:00Z", good: 0, bad: 4 }],
  });
  expect(sent(overview)).toEqual({ delivered: 9, failed: 1, hours: [{ at: "2026-01-01T10:00:00Z", good: 4, bad: 2 }] });
});

test("what nothing arrives at comes first", () => {
  expect(failing(overview).map(({ id }) => id)).toEqual(["d", "a", "c"]);
});
