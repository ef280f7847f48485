/** What was typed outlives whatever happens meanwhile, and it is said what happened. */
import { expect, type Page } from "@playwright/test";
import { ownProgram, withoutSession } from "./fixture";
import { BASE, EMAIL, PASSWORD } from "./signed_in";

const own = ownProgram();
const { test } = own;
let address: string;
let id: number;
let count = 0;

test.beforeEach(async () => {
  count += 1;
  id = (await own.inside.call("POST", "/subscribers", { email: `ada${count}@example.com`, first_name: "Ada" })).id;
  address = `/subscribers/${id}`;
});

async function type(page: Page) {
  await page.goto(address);
  await page.getByLabel("First name").fill("Augusta Ada");
}

async function isThere(page: Page) {
  await expect(page.getByLabel("First name")).toHaveValue("Augusta Ada");
}

const save = (page: Page) => page.getByRole("button", { name: "Save", exact: true }).click();

async function isSaved() {
  await expect.poll(async () => (await own.inside.call("GET", `/subscribers/${id}`)).first_name).toBe("Augusta Ada");
}

test("a second tab that saves something else", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  const second = await page.context().newPage();
  await second.goto(address);
  await second.getByLabel("Phone").fill("+39 055 1");
  await save(second);
  await expect(second.getByText("Saved")).toBeVisible();
  await page.bringToFront();
  await isThere(page);
  await save(page);
  await isSaved();
  expect((await own.inside.call("GET", `/subscribers/${id}`)).phone).toBe("+39 055 1");
  await page.context().close();
});

test("a second tab that saves the same first", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  const second = await page.context().newPage();
  await second.goto(address);
  await second.getByLabel("First name").fill("Theirs");
  await save(second);
  await expect(second.getByText("Saved", { exact: true })).toBeVisible();
  const refused = page.waitForResponse((response) => response.status() === 412);
  await save(page);
  await refused;
  const said = page.getByRole("alert").filter({ hasText: "Someone else changed this meanwhile" });
  await expect(said).toContainText("What you typed is still here");
  await isThere(page);
  expect((await own.inside.call("GET", `/subscribers/${id}`)).first_name).toBe("Theirs");
  await said.getByRole("button", { name: "Keep mine" }).click();
  await save(page);
  await isSaved();
  await page.context().close();
});

test("a lost connection", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  await page.context().setOffline(true);
  await save(page);
  await expect(page.getByText("The server cannot be reached").first()).toBeVisible();
  await expect(page.getByText("What you typed is still here").first()).toBeVisible();
  await isThere(page);
  await page.context().setOffline(false);
  await save(page);
  await isSaved();
  await page.context().close();
});

test("a session that has ended", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  const dialog = await withoutSession(page, () => save(page));
  await dialog.getByLabel("Email").fill(EMAIL);
  await dialog.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await dialog.getByRole("button", { name: "Log in" }).click();
  await expect(dialog).toHaveCount(0);
  await isThere(page);
  await save(page);
  await isSaved();
  await page.context().close();
});

test("a restart of the server", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  await own.inside.program.restart(async () => {
    await save(page);
    await expect(page.getByText("The server cannot be reached").first()).toBeVisible();
    await isThere(page);
  });
  await isThere(page);
  await save(page);
  await isSaved();
  expect((await page.request.get(`${own.inside.program.url}${BASE}/session`)).status(), "still logged in").toBe(200);
  await page.context().close();
});
