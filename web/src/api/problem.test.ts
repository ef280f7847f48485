import { expect, test } from "vitest";
import { problemOf } from "./problem";

test("fields at fault are found by their name, the first message of each", () => {
  const errors = [
    { field: "email", message: "is taken" },
    { field: "email", message: "is too long" },
    { field: "mapping.2.when", message: "at character 3" },
  ];
  const problem = problemOf(new Response(null, { status: 422 }), { title: "T", detail: "D", errors });
  expect(problem.fields).toEqual({ email: "is taken", "mapping.2.when": "at character 3" });
  expect([problem.status, problem.title, problem.message]).toEqual([422, "T", "D"]);
});

test("an answer in another form is still a problem", () => {
  const problem = problemOf(new Response(null, { status: 502, statusText: "Bad Gateway" }), "<html>");
  expect([problem.status, problem.title, problem.fields]).toEqual([502, "Bad Gateway", {}]);
});

test("no answer is being offline", () => {
  expect(problemOf(undefined, undefined, new TypeError("x")).isOffline).toBe(true);
});
