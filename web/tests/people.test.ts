/** Subscribers and what belongs to them: each page's main act, as a person does it. */
import { expect, type Page } from "@playwright/test";
import { ACT, ownProgram } from "./fixture";

const own = ownProgram();
const { test } = own;

test.beforeAll(async () => {
  await own.inside.call("POST", "/lists", { name: "Newsletter" });
  await own.inside.call("POST", "/custom-fields", { name: "plan", label: "Plan", type: "choice", options: ["free", "pro"] });
  await own.inside.call("POST", "/custom-fields", { name: "vip", label: "VIP", type: "boolean" });
});

const FILE = "Mail;Nome;Tariff;Note\nada@example.com;Ada;pro;x\nnobody;Bob;pro;y\nbob@example.com;Bob;gold;z\n";

async function choose(page: Page, label: string, option: string) {
  await page.getByRole("combobox", { name: label, exact: true }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

test("a file is looked at, taken in, and what was refused is told", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/subscribers");
  await page.getByRole("link", { name: "Import" }).click();
  await page.locator("input[type=file]").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(FILE) });
  await expect(page.getByText("Of 3 rows: 2 new, 0 changed, 0 unchanged, 1 refused.")).toBeVisible();
  await choose(page, "Field for Tariff", "Plan");
  await expect(page.getByText("Of 3 rows: 1 new, 0 changed, 0 unchanged, 2 refused.")).toBeVisible();
  await expect(page.getByRole("cell", { name: /must be one of the field's options: free, pro/ })).toBeVisible();
  await choose(page, "Put all of them on these lists", "Newsletter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Import 1 subscribers" }).click();
  await expect(page.getByText("3 of 3 rows: 1 new, 0 changed, 2 refused.")).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /Download the refused rows/ }).click()]);
  expect(download.suggestedFilename()).toMatch(/^refused-.*\.csv$/);
  await page.getByRole("link", { name: "See the subscribers" }).click();
  await expect(page.getByRole("link", { name: "ada@example.com" })).toBeVisible();
  await page.context().close();
});

test("subscribers are filtered by list, tag and field, and given out as they are shown", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  await own.inside.call("POST", "/subscribers", { email: "eve@example.com", tags: ["odd one"], custom_fields: { plan: "free" } });
  await page.goto("/subscribers");
  await expect(page.getByRole("link", { name: "eve@example.com" })).toBeVisible();
  await choose(page, "Custom field", "Plan");
  await choose(page, "Value", "free");
  await expect(page).toHaveURL(/field=plan&value=free/);
  await expect(page.getByRole("link", { name: "ada@example.com" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "eve@example.com" })).toBeVisible();
  await page.getByRole("button", { name: "Export" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: /As CSV/ }).click()]);
  const lines = (await (await download.createReadStream()).toArray()).join("").trim().split("\r\n");
  expect(lines).toHaveLength(2);
  await page.goto("/tags");
  await page.getByRole("row", { name: /odd one/ }).getByRole("link").click();
  await expect(page).toHaveURL(/tag=odd/);
  await expect(page.getByRole("link", { name: "eve@example.com" })).toBeVisible();
  await page.context().close();
});

test("a subscriber is changed by forms of its fields' types, the history tells it, and it can be undone", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  const { id } = await own.inside.call("POST", "/subscribers", { email: "grace@example.com", first_name: "Grace", custom_fields: { plan: "free" } });
  await page.goto(`/subscribers/${id}`);
  await page.getByLabel("First name").fill("Amazing Grace");
  await choose(page, "Plan", "pro");
  await choose(page, "VIP", "Yes");
  await choose(page, "Lists", "Newsletter");
  await page.keyboard.press("Escape");
  await page.getByRole("combobox", { name: "Tags" }).fill("navy");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByText("Got the tag navy")).toBeVisible();
  const changed = page.getByRole("row").filter({ hasText: "Amazing Grace" });
  await expect(changed).toContainText("First name");
  await expect(page.getByRole("row").filter({ hasText: "Plan" })).toContainText("pro");
  expect((await own.inside.call("GET", `/subscribers/${id}`)).custom_fields).toEqual({ plan: "pro", vip: true });
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByLabel("First name")).toHaveValue("Grace");
  await expect(page.getByText("Lost the tag navy")).toBeVisible();
  const back = await own.inside.call("GET", `/subscribers/${id}`);
  expect([back.custom_fields, back.lists, back.tags]).toEqual([{ plan: "free" }, [], []]);
  await page.context().close();
});

test("lists, tags and fields are renamed and described, and what was deleted comes back", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/lists");
  await page.getByRole("button", { name: "Edit Newsletter" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Monthly news");
  await page.getByRole("dialog").getByRole("textbox", { name: "Description" }).fill("Once a month");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row", { name: /Monthly news/ })).toContainText("Once a month");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("row", { name: /Newsletter/ })).toBeVisible();

  await page.goto("/tags");
  await page.getByRole("button", { name: "New tag" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("spare");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  const tag = page.getByRole("row", { name: /spare/ });
  await tag.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("spare is deleted")).toBeVisible();
  await expect(tag).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(tag).toBeVisible();

  await page.goto("/custom-fields");
  await page.getByRole("button", { name: "New custom field" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("textbox", { name: "Name" }).fill("T-shirt size");
  await choose(page, "Type", "One of several options");
  await form.getByRole("combobox", { name: "Options" }).fill("S");
  await page.keyboard.press("Enter");
  await form.getByRole("combobox", { name: "Options" }).fill("M");
  await page.keyboard.press("Enter");
  await form.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("row", { name: /t_shirt_size/ })).toContainText("S, M");
  await page.context().close();
});
