import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { remarksOf } from "./health";

const HERE = Date.parse("2026-11-26T10:00:00Z");
const none = { active: 1, paused: 0, inactive: 0 };
const well: Schemas["ServerHealth"] = {
  version: "1.2.3", now: "2026-11-26T10:00:30.000Z", database: { kind: "sqlite", size_bytes: 1 }, nodes: 1,
  waiting: { requests: 0, deliveries: 3 }, incoming_webhooks: none, outgoing_webhooks: none,
};
const texts = (health: Partial<Schemas["ServerHealth"]>) => remarksOf({ ...well, ...health }, HERE).map(({ text }) => text);

test("nothing is said where nothing is to be done", () => {
  expect(texts({})).toEqual([]);
  expect(texts({ outgoing_webhooks: { ...none, paused: 2 }, waiting: { requests: 0, deliveries: 0 } })).toEqual([]);
});

test("what waits for someone is said, with where it is", () => {
  expect(remarksOf({ ...well, outgoing_webhooks: { ...none, paused: 2 } }, HERE)).toEqual([{ text: "paused_deliveries", values: { n: 2 }, to: "/outgoing" }]);
  expect(texts({ waiting: { requests: 1, deliveries: 10_000 }, incoming_webhooks: { ...none, paused: 1 } })).toEqual(["many_deliveries", "paused_requests"]);
});

test("clocks that differ are said, whichever is ahead", () => {
  expect(remarksOf({ ...well, now: "2026-11-26T09:50:00Z" }, HERE)).toEqual([{ text: "clocks_differ", values: { n: 10 } }]);
  expect(texts({ now: "2026-11-26T10:01:01Z" })).toEqual(["clocks_differ"]);
});
