/** The logs of both sides: following live, filters in the address bar, entries in detail, and work on many at once. */
import { expect, type APIRequestContext, type Page } from "@playwright/test";
import { ACT, ownProgram } from "./fixture";

const own = ownProgram();
const { test } = own;

// Whole stories, also on a machine that has much else to do.
test.describe.configure({ timeout: 120_000 });

let made = 0;

/** A webhook of its own for each test, and how to send to it. */
async function incoming(request: APIRequestContext, more: object = {}) {
  const webhook = await own.inside.call("POST", "/incoming-webhooks", {
    name: `Form ${(made += 1)}`, event_type: "subscriber_added", actions: [{ type: "add_subscriber", update_existing: true }], ...more,
  });
  const send = (data: object) => request.post(webhook.url, { data: { event: "subscriber_added", data } });
  return { id: webhook.id as string, send };
}

const table = (page: Page) => page.getByRole("table", { name: "Activity log" });
const rows = (page: Page) => table(page).getByRole("row").filter({ has: page.getByRole("cell") });

test("new entries come at the top, and wait while one reads further down", async ({ page, request }) => {
  const { id, send } = await incoming(request);
  for (let n = 0; n < 40; n += 1) await send({ email: `old${n}@example.com` });
  await page.goto(`/incoming/${id}?tab=log`);
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await expect(rows(page).first()).toBeVisible();
  await expect(table(page)).toHaveAttribute("aria-rowcount", "41");
  await send({ email: "new@example.com" });
  await expect(table(page)).toHaveAttribute("aria-rowcount", "42");
  await rows(page).first().getByRole("button").click();
  await expect(page.getByRole("dialog").getByText("new@example.com").first()).toBeVisible();
  await page.keyboard.press("Escape");

  const list = page.getByRole("region", { name: "Activity log" });
  await list.evaluate((element) => element.scrollTo({ top: 600 }));
  // Which rows are there follows a moment later.
  await expect(rows(page).first()).not.toHaveAttribute("aria-rowindex", "2");
  const read = rows(page).nth(15);
  // How long ago it was is said anew meanwhile.
  const seen = async () => [await read.locator("time").getAttribute("datetime"), await read.boundingBox()];
  const before = await seen();
  await send({ email: "newer@example.com" });
  await expect(page.getByRole("button", { name: "1 new entry" })).toBeVisible();
  expect(await seen()).toEqual(before);
  await page.getByRole("button", { name: "1 new entry" }).click();
  await expect(table(page)).toHaveAttribute("aria-rowcount", "43");
  await expect(rows(page).first()).toHaveAttribute("aria-rowindex", "2");
  await rows(page).first().getByRole("button").click();
  await expect(page.getByRole("dialog").getByText("newer@example.com").first()).toBeVisible();
});

test("paused nothing changes, and a lost connection is said and made up for", async ({ page, request }) => {
  const { id, send } = await incoming(request);
  await send({ email: "one@example.com" });
  await page.goto(`/incoming/${id}?tab=log`);
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: /^Pause/ }).click();
  await expect(page.getByText("paused", { exact: true })).toBeVisible();
  await send({ email: "two@example.com" });
  await page.getByRole("button", { name: /^Follow live/ }).click();
  await expect(rows(page)).toHaveCount(2);

  await page.route("**/feed?**", (route) => route.abort());
  await page.getByRole("button", { name: /^Pause/ }).click();
  await page.getByRole("button", { name: /^Follow live/ }).click();
  await expect(page.getByText("no connection", { exact: true })).toBeVisible();
  await send({ email: "three@example.com" });
  await page.unroute("**/feed?**");
  await expect(page.getByText("live", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(rows(page)).toHaveCount(3);
});

test("filters stand in the address bar, can be taken away, and follow Back", async ({ page, request }) => {
  const { id, send } = await incoming(request);
  await send({ email: "ada@example.com" });
  await send({ name: "nobody" });
  await page.goto(`/incoming/${id}?tab=log`);
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole("combobox", { name: "Status" }).click();
  await page.getByRole("option", { name: "Failed" }).click();
  // What is chosen stands in the address, which the page follows.
  await expect(page.getByRole("option", { name: "Failed" })).toHaveAttribute("aria-selected", "true");
  await page.getByRole("option", { name: "Rejected" }).click();
  await expect(page).toHaveURL(/status=failed%2Crejected/);
  await expect(rows(page)).toHaveCount(1);
  await page.keyboard.press("Escape");
  await page.getByRole("textbox", { name: "Search" }).fill("nowhere");
  await expect(page).toHaveURL(/q=nowhere/);
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("textbox", { name: "Search" })).toHaveValue("");
  await expect(page).not.toHaveURL(/q=/);

  await page.goto(`/incoming/${id}?tab=log&sender_ip=203.0.113.0%2F24&q=ada`);
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Search" })).toHaveValue("ada");
  await page.getByRole("button", { name: "Remove the filter Sender's address" }).click();
  await expect(rows(page)).toHaveCount(1);
});

test("a failed request is edited and sent again, and leads to its events and deliveries and back", ACT, async ({ page, request }) => {
  const outgoing = await own.inside.call("POST", "/outgoing-webhooks", { name: "CRM", url: own.receiver.url, events: ["subscriber_added"] });
  const { id, send } = await incoming(request);
  await send({ name: "nobody" });
  await page.goto(`/incoming/${id}?tab=log`);
  await rows(page).first().getByRole("button").click();
  const drawer = page.getByRole("dialog", { name: "Request" });
  await expect(drawer.getByText("Mend the mapping or the actions of this webhook")).toBeVisible();
  await drawer.getByRole("button", { name: "Edit and send again…" }).click();
  const editor = page.getByRole("dialog", { name: "Edit and send again" });
  await editor.getByLabel("Payload").fill("{");
  await expect(editor.getByText("This is not valid JSON")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(editor).toBeHidden();
  await drawer.getByRole("button", { name: "Edit and send again…" }).click();
  await editor.getByLabel("Payload").fill(JSON.stringify({ event: "subscriber_added", data: { email: "edited@example.com" } }));
  await editor.getByRole("button", { name: "Send", exact: true }).click();
  await expect(drawer.getByText("Edited from")).toBeVisible();
  await drawer.getByRole("link", { name: "CRM" }).first().click();
  await expect(page).toHaveURL(new RegExp(`/outgoing/${outgoing.id}`));
  const delivery = page.getByRole("dialog", { name: "Delivery" });
  await expect(delivery.getByText("edited@example.com").first()).toBeVisible();
  await delivery.getByRole("link", { name: "subscriber_added" }).click();
  const event = page.getByRole("dialog", { name: "Event" });
  await event.getByRole("link", { name: /Form/ }).click();
  await expect(page.getByRole("dialog", { name: "Request" }).getByText("Edited from")).toBeVisible();
});

test("a delivery is edited and sent again, to its webhook alone, and what was typed outlives a reload", ACT, async ({ page }) => {
  const outgoing = await own.inside.call("POST", "/outgoing-webhooks", { name: `Edited ${(made += 1)}`, url: own.receiver.url, events: ["edited"] });
  await own.inside.call("POST", "/events", { event: "edited", data: { email: "wrong@example.com" } });
  await page.goto(`/outgoing/${outgoing.id}?tab=log`);
  await expect(rows(page).filter({ hasText: "Delivered" })).toHaveCount(1);
  await rows(page).first().getByRole("button").click();
  const drawer = page.getByRole("dialog", { name: "Delivery" });
  await expect(drawer.getByText("Event", { exact: true })).toBeVisible();
  await expect(drawer.getByText(/^Edited/)).toHaveCount(0);
  await drawer.getByRole("button", { name: "Edit and send again…" }).click();
  const editor = page.getByRole("dialog", { name: "Edit and send again" });
  await expect(editor.getByLabel("Data")).toHaveValue(/"wrong@example.com"/);
  await editor.getByLabel("Data").fill("7");
  await editor.getByRole("button", { name: "Send", exact: true }).click();
  await expect(editor.getByRole("alert")).toContainText("data");
  await editor.getByLabel("Data").fill("{");
  await expect(editor.getByText("This is not valid JSON")).toBeVisible();
  const right = `right${made}@example.com`;
  await editor.getByLabel("Data").fill(JSON.stringify({ email: right }));
  await page.reload();
  await drawer.getByRole("button", { name: "Edit and send again…" }).click();
  await expect(editor.getByLabel("Data")).toHaveValue(JSON.stringify({ email: right }));
  await editor.getByRole("button", { name: "Send", exact: true }).click();

  await expect(drawer.getByText("Edited from")).toBeVisible();
  await expect(drawer.getByText(right).first()).toBeVisible();
  await expect.poll(() => own.receiver.bodies.filter((body) => body.includes(right)).length).toBe(1);
  await drawer.getByRole("link", { name: "edited" }).click();
  const event = page.getByRole("dialog", { name: "Event" });
  await event.getByRole("link", { name: /^dlv_/ }).click();
  await drawer.getByText("Edited and sent as").scrollIntoViewIfNeeded();
  await drawer.getByRole("button", { name: /^dlv_/ }).click();
  await expect(drawer.getByText("Edited from")).toBeVisible();
  await expect(drawer).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(drawer.locator(":focus")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(rows(page)).toHaveCount(2);
});

test("failed requests are run again together, with their number said first, and removed by filter", ACT, async ({ page, request }) => {
  const { id, send } = await incoming(request);
  for (let n = 0; n < 3; n += 1) await send({ mailbox: `late${n}@example.com` });
  await send({ email: "good@example.com" });
  await own.inside.call("PATCH", `/incoming-webhooks/${id}`, { mapping: [{ to: "email", from: "data.mailbox" }] });
  await page.goto(`/incoming/${id}?tab=log`);
  await page.getByRole("button", { name: "With these" }).click();
  await page.getByRole("menuitem", { name: "Run these again…" }).click();
  await page.getByRole("button", { name: "Run 3 again" }).click();
  await expect(page.getByText("3 done.")).toBeVisible();
  await expect(rows(page).filter({ hasText: "Processed" })).toHaveCount(4);

  await page.getByRole("textbox", { name: "Search" }).fill("good@");
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "With these" }).click();
  const exported = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "Export these as NDJSON" }).click();
  const lines = await lined(await (await exported).createReadStream());
  expect(lines).toHaveLength(1);
  await page.getByRole("button", { name: "With these" }).click();
  await page.getByRole("menuitem", { name: "Clear log…" }).click();
  await page.getByRole("button", { name: "Remove 1" }).click();
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await page.getByRole("textbox", { name: "Search" }).fill("");
  await expect(rows(page)).toHaveCount(3);
});

test("a time is replayed, and what waits is cancelled", ACT, async ({ page }) => {
  const outgoing = await own.inside.call("POST", "/outgoing-webhooks", { name: "Replayed", url: own.receiver.url, events: ["replayed"] });
  await own.inside.call("POST", "/events", [1, 2].map((n) => ({ event: "replayed", data: { n } })));
  await page.goto(`/outgoing/${outgoing.id}?tab=log`);
  await expect(rows(page).filter({ hasText: "Delivered" })).toHaveCount(2);
  await page.getByRole("button", { name: "With these" }).click();
  await page.getByRole("menuitem", { name: "Replay a time…" }).click();
  await expect(page.getByText("There is nothing like that.")).toBeVisible();
  await page.getByText("All that are finished").click();
  await page.getByRole("button", { name: "Send 2 again" }).click();
  await expect(page.getByText("2 done.")).toBeVisible();
  await expect.poll(() => own.receiver.bodies.filter((body) => body.includes("replayed")).length).toBe(4);
  // What has arrived is finished once that is recorded.
  await expect.poll(async () => (await own.inside.call("GET", `/outgoing-webhooks/${outgoing.id}/deliveries?status=pending,retrying`)).data.length).toBe(0);

  await own.inside.call("PATCH", `/outgoing-webhooks/${outgoing.id}`, { status: "paused" });
  await own.inside.call("POST", "/events", { event: "replayed", data: { n: 3 } });
  await page.reload();
  await page.getByRole("button", { name: "With these" }).click();
  await page.getByRole("menuitem", { name: "Cancel what waits…" }).click();
  await page.getByRole("button", { name: "Cancel 1" }).click();
  await expect(page.getByText("1 done.")).toBeVisible();
  await page.reload();
  await expect(rows(page).filter({ hasText: "Cancelled" })).toHaveCount(1);
});

async function lined(stream: AsyncIterable<Buffer>): Promise<string[]> {
  let text = "";
  for await (const part of stream) text += part.toString();
  return text.trim().split("\n");
}
