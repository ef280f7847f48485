/** Someone who may only look sees every page, and no button on it that the server would refuse. */
import { expect, type Page, type PlaywrightWorkerArgs } from "@playwright/test";
import { PAGES, type Things } from "./every_page";
import { ownProgram } from "./fixture";
import { BASE, PASSWORD } from "./signed_in";

const own = ownProgram();
const { test } = own;
let things: Things;
let session: Awaited<ReturnType<typeof invited>>;

test.beforeAll(async ({ playwright }) => {
  const { call, request } = own.inside;
  const post = (path: string, data: object) => call("POST", path, data);
  await post("/lists", { name: "Newsletter" });
  await post("/tags", { name: "web" });
  await post("/custom-fields", { name: "plan", label: "Plan", type: "text" });
  await post("/presets", { id: "our_shop", name: "Our shop", event: ["body:type"] });
  const outgoing = await post("/outgoing-webhooks", { name: "CRM", url: own.receiver.url, events: ["*"], signing: { schemes: ["ed25519", "x_webhook_signature"] } });
  const incoming = await post("/incoming-webhooks", {
    name: "Form", event_type: "subscriber_added", signature: { scheme: "hmac_sha256" }, mapping: [{ to: "email", from: "data.email" }], require_api_key: true,
    actions: [{ type: "add_subscriber", tags: ["web"] }, { type: "custom_code", code: "function handle(payload) { return { payload } }" }],
  });
  await post(`/incoming-webhooks/${incoming.id}/test`, { event: "subscriber_added", data: { email: "grace@example.com" } });
  expect((await request.post(incoming.url, { data: {} })).status(), "refused without a key").toBe(401);
  await expect.poll(async () => (await call("GET", "/subscribers")).data.length).toBe(1);
  const [subscriber] = (await call("GET", "/subscribers")).data;
  await expect.poll(async () => (await call("GET", `/outgoing-webhooks/${outgoing.id}/deliveries`)).data.length).toBeGreaterThan(0);
  const newest = async (path: string) => (await call("GET", `${path}?limit=1`)).data[0].id;
  things = {
    incoming: incoming.id, outgoing: outgoing.id, subscriber: String(subscriber.id), sender: "our_shop",
    request: await newest(`/incoming-webhooks/${incoming.id}/requests`), delivery: await newest(`/outgoing-webhooks/${outgoing.id}/deliveries`), event: await newest("/events"),
  };
  session = await invited(playwright);
});

/** The session of someone who was invited as a viewer. */
async function invited(playwright: PlaywrightWorkerArgs["playwright"]) {
  const user = await own.inside.call("POST", "/users", { email: "viewer@example.com", role: "viewer" });
  const { link } = await own.inside.call("POST", `/users/${user.id}/link`);
  const request = await playwright.request.newContext({ baseURL: own.inside.program.url });
  const entered = await request.post(`${BASE}/set-up`, { data: { link: link.split("#")[1], password: PASSWORD } });
  expect(entered.ok(), await entered.text()).toBe(true);
  const state = await request.storageState();
  await request.dispose();
  return state;
}

test("every button on every page is one that a viewer may press", async ({ browser }) => {
  test.setTimeout(300_000);
  const page = await own.inside.open(browser, { storageState: session });
  const refused: string[] = [];
  let at = "";
  page.on("response", (response) => response.status() === 403 && refused.push(`${at}: ${response.request().method()} ${response.url()}`));
  for (const [name, path] of PAGES) {
    at = name;
    await visit(page, path(things), name);
    await page.waitForLoadState("networkidle");
    await pressAll(page, path(things), (pressed) => (at = `${name}, ${pressed}`));
  }
  expect(refused).toEqual([]);
  await page.context().close();
});

/** Goes to a page, and waits until it is there with what is on it. */
async function visit(page: Page, address: string, name = address) {
  await page.goto(address);
  await expect(page.locator("h1").first(), name).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
}

/** Presses what there is to press in the page, and in the menus and dialogs that this opens. */
async function pressAll(page: Page, address: string, tell: (pressed: string) => void) {
  // Behind a drawer that is open nothing can be pressed.
  const buttons = (address.includes("entry=") ? page.getByRole("dialog") : page.locator("main")).getByRole("button");
  for (let at = 0; at < (await buttons.count()); at += 1) {
    const button = buttons.nth(at);
    if (!(await button.isVisible()) || (await button.isDisabled())) continue;
    const name = await button.innerText();
    if (name === "Log out everywhere" || (await button.getAttribute("aria-label")) === "Close") continue;
    tell(name);
    // Known before the click: what was pressed may be another one after it.
    const opensDrawer = await button.evaluate((pressed) => pressed.classList.contains("opens"));
    await button.click();
    // Escape is heard by the drawer only once the focus is in it.
    if (opensDrawer) await expect(page.locator(".mantine-Drawer-content :focus")).toHaveCount(1);
    const opened = page.locator("[role=menu] [role=menuitem]:not(a), [role=dialog]:not(.mantine-Drawer-content) button:not([aria-label=Close])");
    for (const inner of (await opened.all()).slice(0, 6)) if (await inner.isVisible()) await inner.click({ timeout: 2_000 }).catch(() => undefined);
    if (!address.includes("entry=")) await page.keyboard.press("Escape");
    if (opensDrawer) await expect(page.locator(".mantine-Drawer-content")).toHaveCount(0);
    await page.waitForLoadState("networkidle");
    if (new URL(page.url()).pathname !== new URL(address, page.url()).pathname) await visit(page, address);
  }
}

test("nothing that changes something is offered, and it is said why", async ({ browser }) => {
  test.setTimeout(120_000);
  const page = await own.inside.open(browser, { storageState: session });
  const WRITES = /^(Save|Create|Delete|New |Add |Send|Run |Replace|Pause$|Activate|Status|Suggest|Dry run|Import|Publish|Declare|Edit|Move|Remove$)/;
  for (const [name, path] of PAGES) {
    await visit(page, path(things), name);
    const offered = await page.locator("main").getByRole("button").filter({ visible: true }).allInnerTexts();
    expect(offered.filter((text) => WRITES.test(text.trim())), name).toEqual([]);
    await expect(page.locator("main").getByRole("switch", { disabled: false }), name).toHaveCount(0);
    if (/-(new|settings|mapping|actions|security|payload|test)$|^(subscriber|import|sender|users|api-keys|audit-log)$/.test(name)) {
      await expect(page.getByText("Your role lets you look, not change.").first(), name).toBeVisible();
    }
  }
  const menu = page.getByRole("navigation", { name: "Menu" });
  await expect(menu.getByRole("link", { name: "Lists" })).toBeVisible();
  await expect(menu.getByRole("link", { name: /Users|API keys|Audit log/ })).toHaveCount(0);
  await page.context().close();
});
