import { expect, test } from "vitest";
import { membersOf } from "./members";

test("members are listed with their types", () => {
  const schema = { properties: { id: { type: "integer" }, name: { type: ["string", "null"] }, plan: { enum: ["free", "pro"] }, any: true }, required: ["id"] };
  expect(membersOf(schema)).toEqual([
    { name: "id", type: "integer", required: true },
    { name: "name", type: "string | null", required: false },
    { name: "plan", type: '"free" | "pro"', required: false },
    { name: "any", type: "", required: false },
  ]);
  expect(membersOf(null)).toEqual([]);
});
