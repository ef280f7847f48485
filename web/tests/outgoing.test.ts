/** What one does with an outgoing webhook, and that what comes from outside is text where it is shown in detail. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page } from "@playwright/test";
import { ACT, flip, ownProgram } from "./fixture";

const MARKUP = `<img src=x onerror="window.struck=1"><b>x</b>`;

const own = ownProgram(JSON.stringify({ said: MARKUP }));
const { test } = own;
// Whole stories, also on a machine that has much else to do.
test.describe.configure({ timeout: 120_000 });

async function accessible(page: Page) {
  await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBe(0);
  // A modal has a header of its own, and so has the page beneath it, which is out of reach meanwhile.
  const { violations } = await new AxeBuilder({ page }).disableRules(["landmark-no-duplicate-banner", "landmark-unique"]).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`)).toEqual([]);
}

test("a template fills in a webhook, which says what is still missing, and its secret is shown once", ACT, async ({ page }) => {
  await page.goto("/outgoing/new");
  await page.getByRole("combobox", { name: "Begin with a template" }).click();
  await page.getByRole("option", { name: "Salesforce" }).click();
  await expect(page.getByText("Make a connected app")).toBeVisible();
  await expect(page.getByText("Put your own in place of YOUR_DOMAIN")).toBeVisible();
  await expect(page.getByLabel("Client ID")).toBeVisible();
  await page.getByRole("combobox", { name: "Begin with a template" }).click();
  await page.getByRole("option", { name: "Slack" }).click();
  await page.getByLabel("Endpoint URL").fill(own.receiver.url);
  await page.getByRole("button", { name: /^Advanced/ }).click();
  await page.getByLabel("At once", { exact: true }).fill("4");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByText(/^whsec_/)).toBeVisible();
  await page.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByText("It worked")).toBeVisible();
  expect(own.receiver.bodies.at(-1)).toContain(`"text":"subscriber_added`);
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByRole("button", { name: /^Advanced/ }).click();
  await expect(page.getByLabel("At once", { exact: true })).toHaveValue("4");
  await page.getByRole("button", { name: "Replace the secret…" }).click();
  await accessible(page);
  await page.getByRole("dialog").getByRole("button", { name: "Replace the secret" }).click();
  await expect(page.getByText("Copy this now")).toBeVisible();
});

test("a payload is rendered from an event that happened, and its fault is underlined where it is", ACT, async ({ page }) => {
  const { id } = await own.inside.call("POST", "/outgoing-webhooks", { name: "Mail", url: own.receiver.url, events: ["email_*"] });
  await own.inside.call("POST", "/events", { event: "email_opened", data: { subscriber_email: "real@example.com", campaign_name: "January" } });
  await page.goto(`/outgoing/${id}?tab=payload`);
  await expect(page.getByRole("combobox", { name: "Kind of event" })).toHaveValue(/^email_/);
  await page.getByRole("combobox", { name: "Kind of event" }).click();
  await page.getByRole("option", { name: "email_opened" }).click();
  await page.getByRole("combobox", { name: "Which one" }).click();
  await page.getByRole("option", { name: /real@example.com/ }).click();
  const editor = page.getByRole("textbox", { name: "Payload" });
  await editor.fill(`{"who": "{subscriber_email}", "what": "{campaign_name}"}`);
  const sent = page.getByRole("region", { name: "What is sent" });
  await expect(sent.getByText(`"who": "real@example.com"`)).toBeVisible();
  await expect(sent.getByText(`"what": "January"`)).toBeVisible();
  await editor.fill(`{"who": "x {subscriber_emial}"}`);
  await expect(page.locator(".cm-lintRange-error")).toHaveText("{subscriber_emial}");
  await expect(page.getByText("there is no variable subscriber_emial").first()).toBeVisible();
});

test("what is taken out of the settings and the payload of a webhook is gone", async ({ page }) => {
  const { id } = await own.inside.call("POST", "/outgoing-webhooks", {
    name: "Less", url: own.receiver.url, events: ["email_*"], headers: { "X-One": "1", "X-Two": "2" }, auth: { method: "api_key", key: "key-1234" },
    payload: { id: "{event_id}", phone: "{subscriber_phone}" },
  });
  await page.goto(`/outgoing/${id}?tab=settings`);
  await page.getByRole("textbox", { name: "Headers" }).fill("X-One: 1");
  const choose = async (method: string) => {
    await page.getByRole("combobox", { name: "Authentication" }).click();
    await page.getByRole("option", { name: method }).click();
  };
  await choose("Bearer token");
  await choose("API key");
  await expect(page.getByLabel(/^API key/)).toHaveValue("••••1234");
  await choose("Bearer token");
  await page.getByLabel(/^Token/).fill("token-5678");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toBeVisible();
  await page.getByRole("tab", { name: "Payload" }).click();
  await page.getByRole("textbox", { name: "Payload" }).fill(`{"id": "{event_id}"}`);
  await page.getByRole("button", { name: "Save" }).click();
  const saved = async () => {
    const { payload, headers, auth } = await own.inside.call("GET", `/outgoing-webhooks/${id}`);
    return { payload, headers, auth };
  };
  await expect.poll(saved).toEqual({ payload: { id: "{event_id}" }, headers: { "X-One": "1" }, auth: { method: "bearer", token: "••••5678" } });
});

test("markup is text in drawers, results of tests, statistics and lists, and they are accessible", async ({ page, request }) => {
  const outgoing = await own.inside.call("POST", "/outgoing-webhooks", { name: MARKUP, url: own.receiver.url, events: ["*"], headers: { "X-Who": "{data.first_name}" } });
  const incoming = await own.inside.call("POST", "/incoming-webhooks", { name: MARKUP, event_type: "subscriber_added", actions: [{ type: "add_subscriber", update_existing: true }] });
  await request.post(incoming.url, { headers: { "x-note": MARKUP }, data: { event: "subscriber_added", data: { email: "grace@example.com", first_name: MARKUP } } });
  const isText = async (place: Locator) => {
    await expect(place.getByText("onerror").first()).toBeVisible();
    expect(await page.evaluate(() => "struck" in window || document.querySelector("img[src=x]") !== null)).toBe(false);
  };
  const open = async (path: string, title: string) => {
    await page.goto(path);
    await page.getByRole("table").getByRole("row").nth(1).getByRole("button").click();
    const drawer = page.getByRole("dialog", { name: title });
    await isText(drawer);
    await accessible(page);
  };
  await open(`/incoming/${incoming.id}?tab=log`, "Request");
  await expect.poll(async () => (await own.inside.call("GET", `/outgoing-webhooks/${outgoing.id}/deliveries?status=delivered`)).data.length).toBeGreaterThan(0);
  await open(`/outgoing/${outgoing.id}?tab=log`, "Delivery");
  await open("/events", "Event");
  await own.inside.call("PATCH", `/outgoing-webhooks/${outgoing.id}`, { filter: "data.email == 'nobody'" });
  await page.goto(`/outgoing/${outgoing.id}?tab=test`);
  await page.getByRole("button", { name: "Send a test" }).click();
  await isText(page.getByRole("region", { name: "Their answer" }));
  await expect(page.getByRole("alert", { name: "Only a test brings this event here" })).toHaveText(/filter does not hold/);
  await accessible(page);
  await page.goto(`/outgoing/${outgoing.id}?tab=stats`);
  await expect(page.getByRole("img", { name: /^Delivered and failed: Delivered [1-9]/ })).toBeVisible();
  await page.goto("/outgoing");
  await isText(page.getByRole("table"));
});

test("a webhook is paused in the list", ACT, async ({ page }) => {
  const { id } = await own.inside.call("POST", "/outgoing-webhooks", { name: "Paused soon", url: own.receiver.url, events: ["never"] });
  await page.goto("/outgoing");
  await flip(page, "Paused soon: sends");
  await expect(page.getByRole("row", { name: /Paused soon/ }).getByText("Paused", { exact: true })).toBeVisible();
  await expect.poll(async () => (await own.inside.call("GET", `/outgoing-webhooks/${id}`)).status).toBe("paused");
});
