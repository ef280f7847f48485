import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { senders } from "./senders";

const FOLDER = new URL("../../../../crates/presets/senders/", import.meta.url);

test("all that the presets say is said in Italian, and nothing else", () => {
  const hints = readdirSync(FOLDER).map((name) => /^hint = "(.*)"$/m.exec(readFileSync(new URL(name, FOLDER), "utf8"))?.[1]);
  expect(hints.length).toBeGreaterThan(30);
  expect([...new Set(hints.filter((hint) => hint !== undefined))].sort()).toEqual(Object.keys(senders).sort());
});
