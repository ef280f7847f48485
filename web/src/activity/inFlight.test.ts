import { expect, test } from "vitest";
import { inFlight } from "./inFlight";
import type { LogPage, Row } from "./log";

interface Known extends Row {
  status: string;
}

interface Told {
  id: string;
  status: string;
}

const change = (row: Known, { status }: Told): Known => ({ ...row, status });

/** A question, and how it is answered. */
function question() {
  let answer: (page: LogPage<Known>) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const asked = new Promise<LogPage<Known>>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { asked: () => asked, answer, fail };
}

const page = (...ids: string[]): LogPage<Known> => ({ rows: ids.map((id) => ({ id, at: "then", status: "pending" })), next: undefined, searchedUntil: undefined });
const statuses = ({ rows }: LogPage<Known>) => rows.map(({ status }) => status);

test("what is told while a page is asked for is done to its rows, the newest last", async () => {
  const { tell, load } = inFlight<Told>();
  expect(tell({ id: "a", status: "before" })).toBe(true);
  const { asked, answer } = question();
  const loaded = load(asked, change);
  tell({ id: "a", status: "retrying" });
  tell({ id: "a", status: "delivered" });
  tell({ id: "z", status: "of another page" });
  answer(page("b", "a"));
  expect(statuses(await loaded)).toEqual(["pending", "delivered"]);
});

test("what is told is kept for each question that is open, and for none that is answered", async () => {
  const { tell, load } = inFlight<Told>(1);
  const [first, second] = [question(), question()];
  const [one, other] = [load(first.asked, change), load(second.asked, change)];
  first.answer(page("a"));
  expect(statuses(await one)).toEqual(["pending"]);
  expect(tell({ id: "a", status: "delivered" })).toBe(true);
  expect(tell({ id: "b", status: "no room" }), "there is no room").toBe(false);
  second.answer(page("a", "b"));
  expect(statuses(await other)).toEqual(["delivered", "pending"]);
  const third = question();
  const failed = load(third.asked, change);
  third.fail(new Error("offline"));
  await expect(failed).rejects.toThrow("offline");
  expect(tell({ id: "a", status: "nobody asks" })).toBe(true);
});
