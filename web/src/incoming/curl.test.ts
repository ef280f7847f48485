import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { curlOf, quoted } from "./curl";

test.each(["plain", "it's", "$(echo no) `no` \\ \"x\"", "two\nlines"])("%j is one word of the shell", (word) => {
  expect(execFileSync("sh", ["-c", `printf %s ${quoted(word)}`]).toString()).toBe(word);
});

test("the command names the webhook's own event", () => {
  expect(curlOf({ url: "http://h/x?token=1", event_type: "order_paid" })).toContain('"event":"order_paid"');
});
