/** What someone does who has just installed the program, from the set-up link to the log of a delivery. */
import { expect } from "@playwright/test";
import { test } from "./fixture";
import { startProgram, startReceiver, type Program, type Receiver } from "./program";

const PASSWORD = "a sentence of some length";
let program: Program;
let receiver: Receiver;

// The second begins where the first ends.
test.describe.configure({ mode: "serial" });

test.beforeAll(async () => {
  program = await startProgram();
  receiver = await startReceiver();
});
test.afterAll(async () => {
  await program.stop();
  receiver.stop();
});

test("set up, receive, map by clicking, send, and see it arrive", async ({ page, request }) => {
  // It is long, and the machine may be busy with other things.
  test.setTimeout(180_000);
  await page.goto(program.link);
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Begin" }).click();
  await expect(page.getByRole("heading", { name: "Home" })).toBeVisible();

  // An incoming webhook, and the first sample, shown the moment it comes.
  await page.getByRole("link", { name: "New incoming webhook" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Sign-up form");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByText("Waiting for a sample…")).toBeVisible();
  const address = await page.getByLabel("Copy the URL").first().innerText();
  const sample = { event: "subscriber_added", data: { mailbox: "grace@example.com", given: " grace ", markup: "<img src=x onerror=alert(1)>" } };
  await request.post(address, { data: sample });
  await expect(page.getByText("The last request")).toBeVisible();

  // Mapped by clicking.
  await page.getByRole("tab", { name: "Mapping" }).click();
  await page.getByRole("button", { name: /data\.mailbox/ }).click();
  await page.getByRole("button", { name: "Connect to Email" }).click();
  await page.getByRole("button", { name: /data\.given/ }).click();
  await page.getByRole("button", { name: "Connect to First name" }).click();
  await expect(page.locator("dd", { hasText: "grace@example.com" })).toBeVisible();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Saved")).toBeVisible();

  // An outgoing webhook, tested.
  await page.goto(`${program.url}/outgoing/new`);
  await page.getByRole("textbox", { name: "Name" }).fill("CRM");
  await page.getByLabel("Endpoint URL").fill(receiver.url);
  const events = page.getByRole("combobox", { name: "Events" });
  await events.fill("subscriber_added");
  await events.press("Enter");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByText("It worked")).toBeVisible();

  // A request, and the delivery that it causes, arriving in the log while one looks.
  await page.getByRole("tab", { name: "Activity log" }).click();
  await expect(page.getByText("(test)")).toBeVisible();
  const answer = await request.post(address, { data: sample });
  expect(answer.status()).toBe(200);
  const row = page.getByRole("row").filter({ hasNotText: "(test)" }).filter({ hasText: "Delivered" });
  await expect(row).toHaveCount(1);
  await row.getByRole("button").click();
  await expect(page.getByRole("dialog").getByText("grace@example.com")).toBeVisible();
  expect(receiver.bodies).toHaveLength(2);

  // And the subscriber.
  await page.goto(`${program.url}/subscribers`);
  await page.getByRole("link", { name: "grace@example.com" }).click();
  await expect(page.getByLabel("First name")).toHaveValue("grace");
});

test("log out, and in again with the password", async ({ page }) => {
  await page.goto(`${program.url}/lists`);
  await expect(page).toHaveURL(/\/log-in\?back=/);
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByRole("textbox", { name: "Password" }).fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toContainText("wrong");
  await page.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: "Lists", exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Log out", exact: true }).click();
  await expect(page.getByRole("button", { name: "Log in" })).toBeVisible();
  // What was shown before is not there any more for whoever goes back.
  await page.goBack();
  await expect(page).toHaveURL(/\/log-in\?back=/);
});
