import { expect, test } from "vitest";
import { AUTH_METHODS, linesOf, membersOf, newAuth } from "./form";

test("lines become members and the other way", () => {
  const members = { "X-Env": "prod", "X-Url": "http://a:1/b" };
  expect(membersOf(linesOf(members))).toEqual(members);
  expect(membersOf("X-Env:prod\n\n  broken \n")).toEqual({ "X-Env": "prod", broken: "" });
});

test.each(AUTH_METHODS)("%s begins as itself", (method) => {
  expect(newAuth(method).method).toBe(method);
});
