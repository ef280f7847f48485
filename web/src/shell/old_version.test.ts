import { expect, test } from "vitest";
import { isOfOldVersion } from "./old_version";

test("code that is not there any more is told from other trouble", () => {
  expect(isOfOldVersion(new TypeError("Failed to fetch dynamically imported module: http://x/assets/Home-1.js"))).toBe(true);
  expect(isOfOldVersion(new TypeError("error loading dynamically imported module"))).toBe(true);
  expect(isOfOldVersion(new TypeError("x is undefined"))).toBe(false);
  expect(isOfOldVersion("Failed to fetch dynamically imported module")).toBe(false);
});
