import { expect, test } from "vitest";
import { placeOf } from "./place";

const TEXT = `{
  "a": "x {nope} y",
  "list": ["one", "{data.x} {wrong}"],
  "with.dot": {"deep?": "é \\u00e9 \\" 😀 {bad} {good}"},
  "n": 1
}`;

const marked = (field: string, message: string, text = TEXT) => {
  const { from, to } = placeOf(text, field, message);
  return text.slice(from, to);
};

test.each([
  ["payload.a", "at character 3: there is no variable nope", "{nope}"],
  ["payload.a", "at character 4: there is no variable nope", "{nope}"],
  ["payload.list.1", "at character 10: there is no variable wrong", "{wrong}"],
  ["payload.with.dot.deep?", "at character 9: there is no variable bad", "{bad}"],
  ["payload.a", "is too long", `"x {nope} y"`],
  ["payload.n", "at character 1: what", "1"],
  ["payload.gone", "at character 1: what", TEXT],
  ["url", "at character 1: what", TEXT],
])("%s, %s", (field, message, expected) => {
  expect(marked(field, message)).toBe(expected);
});

test("a payload that is one text", () => {
  expect(marked("payload", "at character 5: x", `"<a>{b}"`)).toBe("{b}");
});

test("a brace that is not closed", () => {
  expect(marked("payload.a", "at character 3: not closed", `{"a": "x {b"}`)).toBe("{b");
});
