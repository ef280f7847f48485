/** What was typed stays until it is saved or given up, and what is told once is told. */
import { expect, type Page } from "@playwright/test";
import { ownProgram } from "./fixture";
import { BASE, EMAIL, PASSWORD } from "./signed_in";

const own = ownProgram();
const { test } = own;
let address: string;
let id: string;

test.beforeEach(async () => {
  const webhook = await own.inside.call("POST", "/incoming-webhooks", { name: "Form", event_type: "subscriber_added", actions: [] });
  id = webhook.id;
  address = `/incoming/${id}?tab=actions`;
});

/** Types something into the form of the actions. */
async function type(page: Page) {
  await page.goto(address);
  await page.getByRole("button", { name: "Add an action" }).click();
  await page.getByRole("menuitem", { name: "Add subscriber" }).click();
  await page.getByLabel("Only if").fill("data.plan == 'pro'");
}

async function isThere(page: Page) {
  await expect(page.getByLabel("Only if")).toHaveValue("data.plan == 'pro'");
}

async function save(page: Page) {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect.poll(async () => (await own.inside.call("GET", `/incoming-webhooks/${id}`)).actions[0]?.when).toBe("data.plan == 'pro'");
}

test("another tab of the page keeps it, and leaving the page asks first", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  await page.getByRole("tab", { name: "Security" }).click();
  await page.getByRole("tab", { name: "Actions" }).click();
  await isThere(page);
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("button", { name: "Stay here" }).click();
  await isThere(page);
  // Of another page nobody is asked, and it waits on its own.
  await page.goto("/lists");
  await page.getByRole("link", { name: "Home" }).click();
  await expect(page.getByRole("heading", { name: "Home" })).toBeVisible();
  await page.goto(address);
  await isThere(page);
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("button", { name: "Leave", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Home" })).toBeVisible();
  await page.goto(address);
  await expect(page.getByText("Nothing is done with what comes in")).toBeVisible();
  await page.context().close();
});

test("a new log-in in another tab", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  // Shares its cookies with the page, as another tab does.
  const entered = await page.context().request.post(`${own.inside.program.url}${BASE}/session`, { data: { email: EMAIL, password: PASSWORD } });
  expect(entered.ok()).toBe(true);
  await save(page);
  await page.context().close();
});

test("a change by someone else", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  await own.inside.call("PATCH", `/incoming-webhooks/${id}`, { actions: [{ type: "apply_tag", tags: ["theirs"] }] });
  await page.getByRole("button", { name: "Status" }).click();
  await page.getByRole("menuitem", { name: /Paused/ }).click();
  const said = page.getByRole("alert").filter({ hasText: "Someone else changed this meanwhile" });
  await said.getByRole("button", { name: "See theirs" }).click();
  await expect(said).toContainText("theirs");
  await isThere(page);
  await said.getByRole("button", { name: "Keep mine" }).click();
  await save(page);
  await page.context().close();
});

test("a secret is shown when it is made, and only then", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/incoming/new");
  await page.getByRole("textbox", { name: "Name" }).fill("With a key");
  await page.getByLabel("Require an API key").check();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const told = page.getByRole("alert").filter({ hasText: "Copy this now" });
  const key = await told.getByLabel("API key", { exact: true }).first().innerText();
  const url = await page.getByLabel("Copy the URL").first().innerText();
  const data = { event: "subscriber_added", data: { email: "grace@example.com" } };
  expect((await own.inside.request.post(url, { data, headers: { "x-api-key": key } })).status()).toBe(200);
  await told.getByRole("button", { name: "I have copied it" }).click();
  await expect(told).toBeHidden();

  await page.getByRole("tab", { name: "Security" }).click();
  await page.getByRole("button", { name: "New API key" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Replace" }).click();
  await expect(told.getByLabel("API key", { exact: true }).first()).not.toHaveText(key);

  await page.goto("/outgoing/new");
  await page.getByRole("textbox", { name: "Name" }).fill("CRM");
  await page.getByLabel("Endpoint URL").fill("https://example.com/hook");
  await page.getByRole("combobox", { name: "Events" }).fill("subscriber_added");
  await page.getByRole("combobox", { name: "Events" }).press("Enter");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(told.getByLabel("Signing secret").first()).toContainText("whsec_");
  await page.context().close();
});

test("the page is loaded again", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await type(page);
  await page.reload();
  await isThere(page);
  await save(page);
  await page.goto("/incoming/new");
  await page.getByRole("textbox", { name: "Name" }).fill("Half done");
  await page.getByRole("combobox", { name: "Signature" }).click();
  await page.getByRole("option", { name: "User name and password" }).click();
  await page.getByLabel("Signing secret", { exact: true }).fill("someone:s3cret of mine");
  expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain("s3cret");
  await page.reload();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Half done");
  await expect(page.getByRole("combobox", { name: "Signature" })).toHaveValue("User name and password");
  await expect(page.getByLabel("Signing secret", { exact: true })).toHaveValue("");
  // Whoever logs out leaves nothing of it behind. This ends the session of all tests here, so it comes last.
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Log out", exact: true }).click();
  await page.getByRole("button", { name: "Leave", exact: true }).click({ timeout: 3_000 }).catch(() => undefined);
  await expect(page.getByRole("button", { name: "Log in" })).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.getItem("ccsp-drafts"))).toBeNull();
  await page.context().close();
});
