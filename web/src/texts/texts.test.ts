import { expect, test } from "vitest";
import { fill } from ".";
import { en } from "./en";
import { it as italian } from "./it";

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("values are put where they are named, and a missing one stays visible", () => {
  expect(fill("{n} of {total}", { n: 1 })).toBe("1 of {total}");
});

test("no text has the name of another, which it would hide", () => {
  const files: Record<string, Record<string, object>> = import.meta.glob("./en/*.ts", { eager: true });
  const parts = Object.entries(files).filter(([file]) => !file.endsWith("/index.ts"));
  const names = parts.flatMap(([, part]) => Object.values(part).flatMap((texts) => Object.keys(texts)));
  expect(names.length).toBeGreaterThan(0);
  expect(names.length).toBe(Object.keys(en).length);
});

test.each(Object.keys(en) as (keyof typeof en)[])("%s has the same placeholders in Italian", (name) => {
  expect(placeholders(italian[name])).toEqual(placeholders(en[name]));
  expect(italian[name].trim()).not.toBe("");
});
