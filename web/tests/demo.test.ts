/** The demo's printed link logs in, by the printed line alone, and the printed command makes the round trip. */
import { expect } from "@playwright/test";
import { test } from "./fixture";
import { startDemo } from "./program";

test("the printed link logs in, and what the printed command sends is there", async ({ page, request }) => {
  const demo = await startDemo();
  await page.goto(demo.link);
  await expect(page.getByRole("heading", { name: "Home" })).toBeVisible();
  const data = { event: "subscriber_added", data: { contact_email: "john@example.com", first_name: "John", company_name: "Acme Corp" } };
  expect((await request.post(demo.webhook, { data })).status()).toBe(200);
  await page.goto(`${new URL(demo.link).origin}/subscribers`);
  await page.getByRole("link", { name: "john@example.com" }).click();
  await expect(page.getByLabel("First name")).toHaveValue("John");
  await page.goto(`${new URL(demo.link).origin}/outgoing`);
  await page.getByRole("link", { name: "Demo receiver" }).click();
  await page.getByRole("tab", { name: "Activity log" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Delivered" }).first()).toBeVisible();
  await demo.stop();
});
