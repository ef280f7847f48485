/** What is around the pages: home, events, finding, addresses that lead nowhere, roles, the keyboard, Italian. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { ACT, goTo, ownProgram } from "./fixture";

const own = ownProgram();
const { test } = own;

// The first sees the program as nobody has used it.
test.describe.configure({ mode: "serial" });


/** The field of Ctrl-K, as soon as a page that has just come listens for the key. */
async function finding(page: Page) {
  const find = page.getByRole("combobox", { name: "Find" });
  await expect(async () => {
    await page.keyboard.press("Control+k");
    await expect(find).toBeVisible({ timeout: 1_000 });
  }).toPass();
  return find;
}

test("a new user sees a sample at work, and then what came in", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/");
  await page.getByRole("button", { name: "Show me with a sample" }).click();
  await expect(page.getByRole("heading", { name: "grace@example.com" })).toBeVisible();
  await expect(page.getByText("Got the tag sample")).toBeVisible();
  await goTo(page, "Home");
  await expect(page.getByRole("img", { name: "Requests received: 1, failed: 0" })).toBeVisible();
  await expect(page.getByText("Nothing has failed in the last 24 hours.")).toBeVisible();
  await page.context().close();
});

test("what failed is tried again with one click", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  const webhook = await own.inside.call("POST", "/incoming-webhooks", { name: "Broken", event_type: "subscriber_added", actions: [{ type: "add_subscriber" }] });
  expect((await own.inside.request.post(webhook.url, { data: { data: { mail: "x" } } })).status()).toBe(422);
  await own.inside.call("PATCH", `/incoming-webhooks/${webhook.id}`, { mapping: [{ to: "email", value: "mended@example.com" }] });
  await page.goto("/");
  await page.getByRole("button", { name: "Try again what failed at Broken" }).click();
  await expect(page.getByText("Tried again: 1")).toBeVisible();
  await expect.poll(async () => (await own.inside.call("GET", "/subscribers?email=mended@example.com")).data.length).toBe(1);
  await page.context().close();
});

test("home says how the server does, and loads no more script than a first page may", async ({ page }) => {
  const scripts: string[] = [];
  page.on("request", (made) => made.resourceType() === "script" && scripts.push(new URL(made.url()).pathname));
  await page.goto("/");
  await expect(page.getByText("SQLite")).toBeVisible();
  await expect(page.getByText("Deliveries waiting")).toBeVisible();
  await page.waitForLoadState("networkidle");
  expect(scripts.length).toBeGreaterThan(2);
  const bytes = scripts.map((path) => gzipSync(readFileSync(new URL(`../dist${path}`, import.meta.url))).length);
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(300 * 1024);
  await page.route("**/health", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ title: "The storage is unavailable", status: 503, detail: "Try again in a moment." }) }));
  await page.reload();
  await expect(page.getByText("Look whether the server and its database run")).toBeVisible();
});

test("a kind of event is declared, and one is published", ACT, async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/events");
  await page.getByRole("button", { name: "Declare a kind" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("order_paid");
  await page.getByRole("textbox", { name: "JSON Schema of its data" }).fill('{"type":"object","properties":{"total":{"type":"integer"}},"required":["total"]}');
  await page.getByRole("textbox", { name: "Example" }).fill('{"total": 42}');
  await page.getByRole("dialog").getByRole("button", { name: "Declare a kind" }).click();
  const kind = page.getByRole("button", { name: /order_paid.*Declared here/ });
  await kind.click();
  await expect(page.getByRole("table", { name: "What order_paid looks like" })).toContainText("integer");
  await page.getByRole("button", { name: "Publish an event" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("combobox", { name: "Event" }).fill("order_paid");
  await page.getByRole("option", { name: "order_paid" }).click();
  await expect(form.getByRole("textbox", { name: "Data, as a JSON object" })).toHaveValue(/42/);
  await form.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.getByText("order_paid is published")).toBeVisible();
  await expect(page.getByRole("row", { name: /order_paid/ })).toBeVisible();
  await page.context().close();
});

test("Ctrl-K finds pages, things, entries of logs and deeds, by keyboard alone", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
  const find = await finding(page);
  await find.fill("grace@");
  await expect(page.getByRole("option", { name: /grace@example.com/ })).toHaveAttribute("aria-selected", "true");
  // A dialog of Mantine has a header of its own, which axe takes for a second one of the page.
  const { violations } = await new AxeBuilder({ page }).disableRules(["landmark-no-duplicate-banner", "landmark-unique"]).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "grace@example.com" })).toBeVisible();
  await expect(page.locator("main")).toBeFocused();

  await page.keyboard.press("Control+k");
  await find.fill("new");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: /New outgoing webhook/ })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/incoming\/new$/);
  await expect(page.getByRole("textbox", { name: "Name", exact: true })).toBeFocused();

  const event = (await own.inside.call("GET", "/events?limit=1")).data[0].id;
  await page.keyboard.press("Control+k");
  await find.fill(event);
  await expect(page.getByRole("option", { name: new RegExp(event) })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Event" })).toBeVisible();
  await page.context().close();
});

test("what is typed into Ctrl-K while a page loads does not go into the page", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
  let arrive = () => {};
  const held = new Promise<void>((resolve) => (arrive = resolve));
  await page.route(/assets\/NewIncomingPage.*\.js/, (route) => held.then(() => route.continue()));
  const find = await finding(page);
  await find.fill("new incoming");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/incoming\/new$/);
  await page.keyboard.press("Control+k");
  await find.pressSequentially("gra");
  arrive();
  const name = page.locator("main").getByRole("textbox", { name: "Name", exact: true });
  await expect(name).toBeAttached();
  await page.keyboard.type("ce");
  await expect(find).toHaveValue("grace");
  await expect(name).toHaveValue("");
  await page.context().close();
});

test("an address that leads nowhere, the way to the content, and a version that is gone", async ({ browser }) => {
  const page = await own.inside.open(browser);
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await page.goto("/settings");
  await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  const code = /assets\/TagsPage.*\.js/;
  await page.route(code, (route) => route.fulfill({ status: 404 }));
  // The router loads the document anew by itself, once, before it says so.
  const tried = page.waitForEvent("load");
  await goTo(page, "Tags");
  await tried;
  await expect(page.getByText("There is a new version")).toBeVisible();
  // The code is there only for the document that the button loads: a pointer that rests on the menu asks for it as well.
  await page.route("**/tags", async (route) => {
    await page.unroute(code);
    await route.continue();
  });
  await page.getByRole("button", { name: "Reload" }).click();
  await expect(page.getByRole("heading", { name: "Tags", level: 1 })).toBeVisible();
  await page.context().close();
});

test("in Italian", async ({ browser }) => {
  const page = await own.inside.open(browser, { locale: "it-IT" });
  await page.goto("/tags");
  await expect(page.getByRole("heading", { name: "Etichette", level: 1 })).toBeVisible();
  await page.getByRole("button", { name: "Nuova etichetta" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Nome" }).fill("sample");
  await page.getByRole("dialog").getByRole("button", { name: "Crea" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("La richiesta è in conflitto con ciò che è memorizzato");
  await page.getByRole("dialog").getByRole("textbox", { name: "Nome" }).fill("nuova");
  await page.getByRole("dialog").getByRole("button", { name: "Crea" }).click();
  await expect(page.getByRole("row", { name: /nuova/ })).toBeVisible();
  await page.getByRole("link", { name: "Eventi" }).click();
  await expect(page.getByText("È stato creato un nuovo iscritto.")).toBeVisible();
  await page.context().close();
});
