/** Keys, users and settings: each page's main act. */
import { expect } from "@playwright/test";
import { ACT, ownProgram } from "./fixture";
import { BASE, EMAIL, PASSWORD } from "./signed_in";

const own = ownProgram();
const { test } = own;

test("an API key is made, shown once, works, and is taken away", ACT, async ({ page, playwright }) => {
  await page.goto("/api-keys");
  await page.getByRole("button", { name: "New API key" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Web site");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByText("it is not shown again")).toBeVisible();
  const key = await page.getByRole("dialog").getByLabel("API key", { exact: true }).first().innerText();
  const program = await playwright.request.newContext({ baseURL: own.inside.program.url, extraHTTPHeaders: { authorization: `Bearer ${key}` } });
  expect((await program.get(`${BASE}/lists`)).status()).toBe(200);
  await page.reload();
  const row = page.getByRole("row", { name: /Web site/ });
  await expect(row).toBeVisible();
  await expect(page.getByText(key)).toHaveCount(0);
  await row.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(row).toHaveCount(0);
  await expect.poll(async () => (await program.get(`${BASE}/lists`)).status()).toBe(401);
  await program.dispose();
});

test("someone is invited, gets another role, and chooses a password by the link", ACT, async ({ page, browser }) => {
  await page.goto("/users");
  await page.getByRole("button", { name: "New user" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Email" }).fill("marta@example.com");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  const dialog = page.getByRole("dialog", { name: "Password link" });
  const link = await dialog.getByLabel("Password link", { exact: true }).first().innerText();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.getByRole("combobox", { name: "Role of marta@example.com" }).click();
  await page.getByRole("option", { name: "Viewer" }).click();
  await expect.poll(async () => (await own.inside.call("GET", "/users")).data.find(({ email }: { email: string }) => email === "marta@example.com").role).toBe("viewer");
  const other = await (await browser.newContext()).newPage();
  await other.goto(link);
  await other.getByRole("textbox", { name: "Password" }).fill(PASSWORD);
  await other.getByRole("button", { name: "Begin" }).click();
  await expect(other.getByRole("heading", { name: "Home" })).toBeVisible();
  await other.context().close();
});

test("how it looks is chosen, what the server was started with is told, and the password is changed", ACT, async ({ page }) => {
  await page.goto("/settings");
  await page.getByText("Dark", { exact: true }).click();
  await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
  await expect(page.getByText("--allow-private-destinations")).toBeVisible();
  await expect(page.getByText("127.0.0.0/8")).toBeVisible();
  await expect(page.getByText(own.inside.program.url, { exact: true })).toBeVisible();
  const change = async (from: string, to: string) => {
    await page.getByRole("textbox", { name: "Current password" }).fill(from);
    await page.getByRole("textbox", { name: "New password" }).fill(to);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await change("not the password", "another sentence of mine");
  await expect(page.getByRole("alert")).toBeVisible();
  await change(PASSWORD, "another sentence of mine");
  await expect(page.getByText("Your password is changed")).toBeVisible();
  const log_in = await page.request.post(`${BASE}/session`, { data: { email: EMAIL, password: "another sentence of mine" } });
  expect(log_in.status()).toBe(200);
});
