/** The audit log: who did what. */
import { expect } from "@playwright/test";
import { ACT, ownProgram } from "./fixture";
import { EMAIL } from "./signed_in";

const MARKUP = `<img src=x onerror="window.struck=1">`;

const own = ownProgram();
const { test } = own;

test("who did what is listed, narrowed, told in detail, and taken out as a file", ACT, async ({ page }) => {
  const { id } = await own.inside.call("POST", "/outgoing-webhooks", { name: MARKUP, url: own.receiver.url, events: ["never"] });
  await own.inside.call("PATCH", `/outgoing-webhooks/${id}`, { timeout_seconds: 7 });
  await page.goto("/audit-log");
  const rows = page.getByRole("table", { name: "Audit log" }).getByRole("row").filter({ has: page.getByRole("cell") });
  await expect(rows.filter({ hasText: "Outgoing webhook: changed" })).toHaveCount(1);
  await expect(rows.filter({ hasText: "User: set up" })).toHaveCount(1);

  await page.getByRole("button", { name: "Filters" }).click();
  await page.getByRole("combobox", { name: "What" }).click();
  await page.getByRole("option", { name: "Outgoing webhook" }).click();
  await expect(page).toHaveURL(/action=outgoing_webhook/);
  await expect(rows).toHaveCount(2);
  await page.getByRole("textbox", { name: "Who" }).fill(EMAIL);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/actor=ada/);
  await expect(rows).toHaveCount(2);

  await rows.filter({ hasText: "Outgoing webhook: changed" }).getByRole("button").click();
  const entry = page.getByRole("dialog", { name: "Entry" });
  await expect(entry.getByRole("row", { name: /timeout_seconds/ })).toContainText("7");
  await expect(entry.getByRole("link", { name: MARKUP })).toHaveAttribute("href", `/outgoing/${id}`);
  expect(await page.evaluate(() => "struck" in window), "markup ran").toBe(false);
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Export" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Export these as NDJSON" }).click()]);
  const lines = (await (await download.createReadStream()).toArray()).join("").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).action)).toEqual(["outgoing_webhook.updated", "outgoing_webhook.created"]);
});

test("what is done meanwhile shows by itself, and an entry opens by its address although it is not on the first page", async ({ page }) => {
  const { id } = await own.inside.call("POST", "/lists", { name: "Entry of an address" });
  const [entry] = (await own.inside.call("GET", "/audit-log?limit=1")).data;
  await page.goto(`/audit-log?action=user&entry=${entry.id}`);
  const told = page.getByRole("dialog", { name: "Entry" });
  await expect(told.getByRole("link", { name: "Entry of an address" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/entry=/);

  await page.goto("/audit-log?action=list");
  const rows = page.getByRole("table", { name: "Audit log" }).getByRole("row").filter({ has: page.getByRole("cell") });
  await expect(rows).toHaveCount(1);
  await own.inside.call("DELETE", `/lists/${id}`);
  // The page looks every few seconds.
  await expect(rows.filter({ hasText: "List: deleted" })).toBeVisible({ timeout: 30_000 });
});
