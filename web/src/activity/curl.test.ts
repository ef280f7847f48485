import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { asCurl } from "./curl";

const SENT = {
  method: "POST",
  url: "https://a.example/hook?x=1&y='2'",
  headers: { "Content-Type": "application/json", Host: "a.example", "Content-Length": "9", "X-Many": ["1", "2"], "X-Odd": "it's $HOME `id`" },
  body: { name: "O'Hara", html: "<b>&\"$(id)" },
};

/** What a shell makes of a command: its words. */
function words(command: string): string[] {
  const script = command.replace(/^curl/, "printf '%s\\0'");
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

test("a shell reads what was sent, whatever is in it", () => {
  expect(words(asCurl(SENT))).toEqual([
    "-X", "POST", SENT.url,
    "-H", "Content-Type: application/json", "-H", "X-Many: 1", "-H", "X-Many: 2", "-H", `X-Odd: ${SENT.headers["X-Odd"]}`,
    "--data-raw", JSON.stringify(SENT.body),
  ]);
});

test("a text is sent as it is, and nothing without a body", () => {
  expect(words(asCurl({ ...SENT, headers: {}, body: "a=b" })).slice(3)).toEqual(["--data-raw", "a=b"]);
  expect(words(asCurl({ ...SENT, headers: {}, body: null }))).toHaveLength(3);
});
