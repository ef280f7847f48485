import { expect, test } from "vitest";
import { linesOf, membersOf } from "./lines";

test("lines become members and the other way", () => {
  const members = { "X-Env": "prod", "X-Url": "http://a:1/b" };
  expect(membersOf(linesOf(members))).toEqual(members);
  expect(membersOf("X-Env:prod\n\n  broken \n")).toEqual({ "X-Env": "prod", broken: "" });
});
