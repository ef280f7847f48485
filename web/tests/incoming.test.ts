/** The main acts on the pages of incoming webhooks. */
import { expect, type Page } from "@playwright/test";
import { ACT, flip, ownProgram } from "./fixture";

const own = ownProgram();
const { test } = own;
let page: Page;

test.beforeAll(async ({ browser }) => {
  page = await own.inside.open(browser);
});

function make(settings: object = {}) {
  return own.inside.call("POST", "/incoming-webhooks", { name: "Form", event_type: "subscriber_added", actions: [{ type: "add_subscriber" }], ...settings });
}

test("a sender's own secret is taken, and its signature tried", ACT, async () => {
  await page.goto("/incoming/new");
  await page.getByRole("textbox", { name: "Name" }).fill("Payments");
  await page.getByRole("combobox", { name: "Sender" }).fill("Stripe");
  await page.getByRole("option", { name: "Stripe" }).click();
  await expect(page.getByRole("link", { name: /docs\.stripe\.com/ })).toHaveAttribute("href", /^https:\/\/docs\.stripe\.com/);
  await page.getByLabel("Secret from Stripe", { exact: true }).fill("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("button", { name: "Send a sample for me" }).click();
  await expect(page.getByRole("heading", { name: "The last request" })).toBeVisible();

  await page.getByRole("tab", { name: "Security" }).click();
  const outcome = page.getByRole("status").filter({ hasText: "·" });
  await page.getByRole("button", { name: "Signed rightly" }).click();
  await expect(outcome).toContainText("It was let in");
  await page.getByRole("button", { name: "Signed wrongly" }).click();
  await expect(outcome).toContainText("It was refused");

  await page.getByRole("combobox", { name: "Signature" }).click();
  await page.getByRole("option", { name: "A way of its own" }).click();
  await page.getByRole("textbox", { name: "What is signed" }).fill("{nonsense}");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("signature.custom.content");
  await page.getByRole("button", { name: "Undo changes" }).click();
});

test("a value is put together, changed and given a condition", ACT, async () => {
  const { id, url } = await make();
  await own.inside.request.post(url, { data: { person: { first: "ada ", last: "lovelace", mail: "ada@example.com" }, plan: "pro" } });
  await page.goto(`/incoming/${id}?tab=mapping`);
  const tree = page.getByRole("navigation", { name: "Sample" });
  await tree.getByRole("button", { name: "person", exact: true }).click();
  await expect(tree.getByRole("button", { name: /person\.mail/ })).toBeHidden();
  await tree.getByRole("button", { name: "person", exact: true }).press("ArrowRight");
  await tree.getByRole("button", { name: /person\.mail/ }).click();
  await page.getByRole("button", { name: "Connect to Email" }).click();

  await page.getByRole("button", { name: "Details of Company" }).click();
  const details = page.getByRole("dialog", { name: "Details of Company" });
  await details.getByText("Text put together").click();
  await details.getByRole("textbox", { name: "Text put together" }).fill("{person.first}{person.last} Ltd");
  await details.getByRole("button", { name: "Add a transform" }).click();
  await details.getByRole("combobox", { name: "Transform 1" }).click();
  await page.getByRole("option", { name: "Title Case" }).click();
  await details.getByRole("textbox", { name: "Only if" }).fill("plan == 'pro'");
  await details.getByRole("textbox", { name: "Otherwise" }).fill("none");
  await details.getByRole("button", { name: "Done" }).click();
  await expect(page.locator("dd", { hasText: "Ada Lovelace Ltd" })).toBeVisible();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect.poll(async () => (await own.inside.call("GET", `/incoming-webhooks/${id}`)).mapping).toEqual([
    { to: "email", from: "person.mail" },
    { to: "company", template: "{person.first}{person.last} Ltd", filters: ["title"], when: "plan == 'pro'", otherwise: "none" },
  ]);
});

test("actions are moved by keyboard and by dragging, and tried dry", ACT, async () => {
  const { id } = await make({ actions: [{ type: "add_subscriber" }, { type: "apply_tag", tags: ["a"] }, { type: "change_status", status: "pending" }] });
  await page.goto(`/incoming/${id}?tab=actions`);
  await page.getByRole("button", { name: "Move action 1:" }).press("ArrowDown");
  await expect(page.getByRole("heading", { name: "1. Apply tags" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Move action 2:" })).toBeFocused();
  // Both must be in view: a browser that scrolls between press and move drags what is there then.
  await page.setViewportSize({ width: page.viewportSize()?.width ?? 1280, height: 2600 });
  await page.getByRole("heading", { name: "3. Change status" }).dragTo(page.getByRole("heading", { name: "1. Apply tags" }));
  await expect(page.getByRole("heading", { name: "1. Change status" })).toBeVisible();
  await page.getByRole("button", { name: "Undo changes" }).click();
  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.locator("dd", { hasText: "ada@example.com" })).toBeVisible();
  // The sample of the test before made her; the dry run did nothing to her.
  const [ada] = (await own.inside.call("GET", "/subscribers?email=ada@example.com")).data;
  expect(ada?.tags ?? []).toEqual([]);
  expect(ada?.status ?? "subscribed").toBe("subscribed");
});

test("a sample is pasted where one is waited for, and a list and a script are made from within the actions", ACT, async () => {
  const { id } = await make();
  await page.goto(`/incoming/${id}`);
  await page.getByRole("button", { name: "Paste a sample" }).click();
  await page.getByRole("textbox", { name: "Paste a sample" }).fill('{"contact": {"mail": "pasted@example.com"}}');
  await page.getByRole("button", { name: "Use this sample" }).click();
  await page.getByRole("button", { name: /contact\.mail/ }).click();
  await page.getByRole("button", { name: "Connect to Email" }).click();
  await expect(page.locator("dd", { hasText: "pasted@example.com" })).toBeVisible();
  await page.getByRole("button", { name: "Save", exact: true }).click();

  await page.getByRole("tab", { name: "Actions" }).click();
  await page.getByRole("button", { name: "New list" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Good customers");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await expect(page.getByText("Good customers", { exact: true }).first()).toBeVisible();
  await page.getByRole("button", { name: "Add an action" }).click();
  await page.getByRole("menuitem", { name: "Run code" }).click();
  const editor = page.getByRole("textbox", { name: "JavaScript code" });
  await editor.fill("function handle(payload) { return { payload }; }");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const [list] = (await own.inside.call("GET", "/lists")).data.filter(({ name }: { name: string }) => name === "Good customers");
  await expect.poll(async () => (await own.inside.call("GET", `/incoming-webhooks/${id}`)).actions).toMatchObject([
    { type: "add_subscriber", lists: [list.id] },
    { type: "custom_code", code: "function handle(payload) { return { payload }; }" },
  ]);
  await page.getByRole("button", { name: "Dry run" }).click();
  await expect(page.locator("dd", { hasText: "pasted@example.com" })).toBeVisible();
});

test("a webhook is paused in the list, and that is taken back", ACT, async () => {
  const { id } = await make({ name: "Paused by a slip" });
  const status = async () => (await own.inside.call("GET", `/incoming-webhooks/${id}`)).status;
  await page.goto("/incoming");
  await flip(page, "Paused by a slip");
  await expect.poll(status).toBe("paused");
  await page.getByText("Paused by a slip: Paused").locator("..").getByRole("button", { name: "Undo" }).click();
  await expect.poll(status).toBe("active");
});

test("what was set when it was made can be changed", ACT, async () => {
  const { id } = await make();
  await page.goto(`/incoming/${id}?tab=settings`);
  await page.getByRole("textbox", { name: "Name" }).fill("Another name");
  await page.getByRole("button", { name: "Advanced" }).click();
  await page.getByRole("textbox", { name: "Only if" }).fill("data.ok == true");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Another name" })).toBeVisible();
  expect((await own.inside.call("GET", `/incoming-webhooks/${id}`)).filter).toBe("data.ok == true");
});

test("a sender is described, with what is wrong said at its field", ACT, async () => {
  await page.goto("/senders/new");
  await page.getByRole("textbox", { name: "Name" }).fill("Our shop");
  const rest = page.getByRole("textbox", { name: "How its payloads are read" });
  await rest.fill('{"mapping": [{"to": "nowhere", "from": "mail"}]}');
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("mapping.0.to");
  await rest.fill('{"mapping": [{"to": "email", "from": "mail"}]}');
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("link", { name: "Our shop" }).click();
  await expect(rest).toHaveValue(/"from": "mail"/);
  const { url } = await make({ preset: "our_shop", event_type: "order_paid" });
  expect((await own.inside.request.post(url, { data: { event: "order_paid", mail: "shop@example.com" } })).status()).toBe(200);
  expect((await own.inside.call("GET", "/subscribers?email=shop@example.com")).data).toHaveLength(1);
});
