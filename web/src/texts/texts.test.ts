import { expect, test } from "vitest";
import { fill } from ".";
import { en } from "./en";
import { it as italian } from "./it";

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("values are put where they are named, and a missing one stays visible", () => {
  expect(fill("{n} of {total}", { n: 1 })).toBe("1 of {total}");
});

test.each(Object.keys(en) as (keyof typeof en)[])("%s has the same placeholders in Italian", (name) => {
  expect(placeholders(italian[name])).toEqual(placeholders(en[name]));
  expect(italian[name].trim()).not.toBe("");
});
