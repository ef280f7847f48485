import { expect, test } from "vitest";
import { ago } from "./moments";

const NOW = Date.parse("2026-05-01T12:00:00Z");

test.each([
  ["2026-05-01T12:00:00Z", "now"],
  ["2026-05-01T11:59:18Z", "42 seconds ago"],
  ["2026-05-01T11:57:00Z", "3 minutes ago"],
  ["2026-05-01T10:01:00Z", "1 hour ago"],
  ["2026-04-30T11:00:00Z", "yesterday"],
  ["2026-05-01T12:00:02Z", "now"],
  ["2026-05-01T12:00:03Z", "in 3 seconds"],
  ["2026-05-01T12:30:00Z", "in 30 minutes"],
])("%s is %s", (at, said) => {
  expect(ago(at, NOW, "en")).toBe(said);
});

test("another language", () => {
  expect(ago("2026-05-01T11:57:00Z", NOW, "it")).toBe("3 minuti fa");
});
