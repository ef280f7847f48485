/** What is typed into any form outlives a session that ended and a page that is loaded again; secrets are never stored. */
import { writeFileSync } from "node:fs";
import { expect, type Cookie, type Locator, type Page } from "@playwright/test";
import { ownProgram, withoutSession } from "./fixture";

const own = ownProgram();
const { test } = own;

const SECRET = "s3cret-of-mine";
/** Where nothing is sent it is a search that meets the end of the session. */
const SOUGHT = "anything";
const BROKEN = '{"half": ["typed';

/** One for all forms: what is typed into one of them must not disturb the others. */
let page: Page;
/** What there is to be edited. */
const ids = { incoming: "", outgoing: "", list: "", subscriber: "", request: "", delivery: "" };

interface Form {
  path: () => string;
  /** What one does until the form is there. */
  open?: (page: Page) => Promise<void>;
  /** The fields, and what is typed into each. */
  typed: (page: Page) => [field: Locator, text: string][];
  /** Fields whose text must not be stored. */
  secret?: (page: Page) => Locator;
  /** Chosen before something is typed; it must be there again by itself. */
  choose?: (page: Page) => Promise<void>;
  /** The button that sends it. Without one the server is asked by a search. */
  send?: string;
}

const field = (name: string) => (page: Page) => page.getByRole("textbox", { name, exact: true });
const button = (name: string) => (page: Page) => page.getByRole("button", { name, exact: true }).first().click();
const option = (list: string, name: string) => async (page: Page) => {
  await page.getByRole("combobox", { name: list, exact: true }).click();
  await page.getByRole("option", { name, exact: true }).click();
};
/** Those with a text of their own; the rest of a form is kept by the same means. */
const fields = (...names: string[]) => (page: Page): [Locator, string][] => names.map((name, at) => [field(name)(page), `Typed ${at}`]);
const advanced = (page: Page) => page.getByRole("button", { name: /^Advanced/ }).click();

const FORMS: Record<string, Form> = {
  "a new incoming webhook": {
    path: () => "/incoming/new", typed: fields("Name", "Description"), send: "Create",
    choose: option("Signature", "User name and password"), secret: field("Signing secret"),
  },
  "a pasted sample": { path: () => `/incoming/${ids.incoming}?tab=mapping`, open: paste, typed: (page) => [[field("Paste a sample")(page), BROKEN]] },
  mapping: { path: () => `/incoming/${ids.incoming}?tab=mapping`, open: button("Details of Phone"), typed: (page) => [[page.getByLabel("Only if"), "data.phone != ''"]] },
  actions: {
    path: () => `/incoming/${ids.incoming}?tab=actions`, typed: (page) => [[field("Data")(page), BROKEN], [page.getByLabel("Only if"), "data.x"]], send: "Save",
    choose: async (page) => {
      await button("Add an action")(page);
      await page.getByRole("menuitem", { name: "Publish an event" }).click();
    },
  },
  security: {
    path: () => `/incoming/${ids.incoming}?tab=security`, typed: (page) => [[field("Header of the signature")(page), "X-Mine"]], send: "Save",
    choose: option("Signature", "HMAC-SHA256 (X-Webhook-Signature)"), secret: field("Signing secret"),
  },
  "settings of an incoming webhook": { path: () => `/incoming/${ids.incoming}?tab=settings`, open: advanced, typed: fields("Description", "Where the records stand"), send: "Save" },
  "a sender": { path: () => "/senders/new", typed: (page) => [...fields("Name", "What to know")(page), [field("How its payloads are read")(page), BROKEN]] },
  "an edited request": {
    path: () => `/incoming/${ids.incoming}?tab=log&entry=${ids.request}`, open: button("Edit and send again…"),
    typed: (page) => [[field("Payload")(page), '{"data": {"email": "edited@example.com"}}']], send: "Send",
  },
  "an edited delivery": {
    path: () => `/outgoing/${ids.outgoing}?tab=log&entry=${ids.delivery}`, open: button("Edit and send again…"),
    typed: (page) => [[field("Data")(page), '{"email": "edited@example.com"}']], send: "Send",
  },
  "a new outgoing webhook": {
    path: () => "/outgoing/new", typed: (page) => [[field("Name")(page), "CRM"], [field("Payload")(page), BROKEN]], choose: option("Authentication", "User name and password"),
    secret: field("Password"),
  },
  "settings of an outgoing webhook": {
    path: () => `/outgoing/${ids.outgoing}`, typed: (page) => [[field("User name")(page), "ada"]], send: "Save",
    choose: option("Authentication", "User name and password"), secret: field("Password"),
  },
  "retries and signing of an outgoing webhook": {
    path: () => `/outgoing/${ids.outgoing}`, open: advanced, typed: (page) => [[field("Seconds after the first attempt")(page), "60, 6x"], [field("How it is signed")(page), BROKEN]],
    choose: async (page) => {
      await option("When it fails, try again", "Times of your own")(page);
      await page.getByRole("checkbox", { name: "A description of your own" }).check();
    },
  },
  "a payload": { path: () => `/outgoing/${ids.outgoing}?tab=payload`, typed: (page) => [[field("Payload")(page), BROKEN]] },
  "test data": { path: () => `/outgoing/${ids.outgoing}?tab=test`, typed: (page) => [[field("Data")(page), BROKEN]] },
  "a new subscriber": { path: () => "/subscribers", open: button("New subscriber"), typed: (page) => [[field("Email")(page), "grace@example.com"], [field("Notes")(page), BROKEN]] },
  "a subscriber": { path: () => `/subscribers/${ids.subscriber}`, typed: (page) => [...fields("First name")(page), [field("Notes")(page), BROKEN]] },
  "a new list": { path: () => "/lists", open: button("New list"), typed: fields("Name", "Description"), send: "Create" },
  "a list": { path: () => "/lists", open: button("Edit News"), typed: fields("Name", "Description"), send: "Save" },
  "a new tag": { path: () => "/tags", open: button("New tag"), typed: fields("Name", "Description"), send: "Create" },
  "a tag": { path: () => "/tags", open: button("Edit vip"), typed: fields("Description"), send: "Save" },
  "a new custom field": { path: () => "/custom-fields", open: button("New custom field"), typed: fields("Name", "Description"), send: "Create" },
  "a custom field": { path: () => "/custom-fields", open: button("Edit Notes"), typed: fields("Name", "Description"), send: "Save" },
  "a kind of event": { path: () => "/events", open: button("Declare a kind"), typed: (page) => [...fields("Name", "Description")(page), [field("Example")(page), '{"a": 1}']], send: "Declare a kind" },
  "an event": { path: () => "/events", open: button("Publish an event"), typed: (page) => [[field("Data, as a JSON object")(page), '{"a": "b"}'], [page.getByRole("combobox", { name: "Event" }), "own_event"]], send: "Publish" },
  "an API key": { path: () => "/api-keys", open: button("New API key"), typed: fields("Name"), send: "Create" },
  "a user": { path: () => "/users", open: button("New user"), typed: (page) => [[field("Email")(page), "grace@example.com"]], send: "Create" },
};

async function paste(page: Page) {
  const opener = page.getByRole("button", { name: "Paste a sample" });
  // It is open by itself once something is typed.
  await opener.or(field("Paste a sample")(page)).waitFor();
  if (await opener.isVisible()) await opener.click();
}

test.beforeAll(async ({ browser }) => {
  page = await own.inside.open(browser);
  const { call, request } = own.inside;
  const incoming = await call("POST", "/incoming-webhooks", { name: "Form", event_type: "subscriber_added", actions: [], mapping: [{ to: "phone", from: "data.phone" }] });
  await request.post(incoming.url, { data: { event: "subscriber_added", data: { email: "ada@example.com" } } });
  ids.incoming = incoming.id;
  ids.request = (await call("GET", `/incoming-webhooks/${incoming.id}/requests`)).data[0].id;
  ids.outgoing = (await call("POST", "/outgoing-webhooks", { name: "CRM", url: own.receiver.url, events: ["*"] })).id;
  await call("POST", "/events", { event: "order_paid", data: { email: "ada@example.com" } });
  ids.delivery = (await call("GET", `/outgoing-webhooks/${ids.outgoing}/deliveries`)).data[0].id;
  ids.list = (await call("POST", "/lists", { name: "News" })).id;
  await call("POST", "/tags", { name: "vip" });
  await call("POST", "/custom-fields", { name: "notes", label: "Notes", type: "json" });
  ids.subscriber = (await call("POST", "/subscribers", { email: "ada@example.com" })).id;
});

test.afterAll(() => page.context().close());

for (const [name, form] of Object.entries(FORMS)) {
  test(name, async () => {
    await page.goto(form.path());
    await form.open?.(page);
    await form.choose?.(page);
    for (const [place, text] of form.typed(page)) await place.fill(text);
    await form.secret?.(page).fill(SECRET);

    const cookies = await page.context().cookies();
    const { send } = form;
    const said = send
      ? await withoutSession(page, () => page.getByRole("button", { name: send, exact: true }).last().click())
      : await withoutSession(page, () => searchFor(page), (sent) => sent.url().includes(SOUGHT));
    await logIn(page, said, cookies);
    await isThere(page, form);
    if (form.secret) await expect(form.secret(page)).toHaveValue(SECRET);

    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain(SECRET);
    await page.reload();
    await form.open?.(page);
    await isThere(page, form);
    if (form.secret) {
      await expect(form.secret(page)).toHaveValue("");
      await expect(page.getByText("Secrets have to be typed again")).toBeVisible();
    }
  });
}

test("what was set for a file holds again once it is chosen again", async ({}, info) => {
  const file = info.outputPath("people.csv");
  writeFileSync(file, "Mail;Tariff\ngrace@example.com;pro\n");
  await page.goto("/subscribers/import");
  await page.locator("input[type=file]").setInputFiles(file);
  await option("Field for Tariff", "Company")(page);
  await page.getByRole("combobox", { name: "Give all of them these tags" }).fill("from a fair");
  await page.keyboard.press("Enter");
  await page.reload();
  await page.getByText("Choose people.csv again to go on.").waitFor();
  await page.locator("input[type=file]").setInputFiles(file);
  await expect(page.getByRole("combobox", { name: "Field for Tariff" })).toHaveValue("Company");
  await expect(page.getByText("from a fair")).toBeVisible();
});

async function isThere(page: Page, form: Form) {
  for (const [place, text] of form.typed(page)) {
    // An editor has no value, and its text stands in lines.
    if ((await place.getAttribute("contenteditable")) === "true") await expect(place).toHaveText(text);
    else await expect(place).toHaveValue(text);
  }
}

/** A session comes back. */
async function logIn(page: Page, said: Locator, cookies: Cookie[]) {
  await page.context().addCookies(cookies);
  // The window comes back with the last answer to what was asked without a session.
  await expect(async () => {
    if (await said.isVisible()) await said.getByRole("button", { name: "Close" }).click();
    await expect(said).toBeHidden({ timeout: 1_000 });
  }).toPass();
}

async function searchFor(page: Page) {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Find" }).fill(SOUGHT);
}
