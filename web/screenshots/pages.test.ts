/** A picture of every page, with what a small business would have on it, for the guides (`make screenshots`). */
import { expect, type Page } from "@playwright/test";
import { PAGES, type Things } from "../tests/every_page";
import { ownProgram } from "../tests/fixture";

const FOLDER = process.env.SCREENSHOTS ?? "../target/screenshots";

const own = ownProgram('{"ok":true}');
const { test } = own;
let things: Things;

const PEOPLE = [
  ["ada@example.com", "Ada", "Lovelace", "Analytical Engines"], ["grace@example.com", "Grace", "Hopper", "Navy"],
  ["katherine@example.com", "Katherine", "Johnson", "NACA"], ["john@example.com", "John", "Doe", "Acme Corp"],
  ["maria@example.com", "Maria", "Rossi", "Bottega Rossi"], ["liu@example.com", "Wei", "Liu", "Liu Trading"],
] as const;

test.beforeAll(async () => {
  const { inside: { call, request }, receiver } = own;
  const list = await call("POST", "/lists", { name: "Newsletter", description: "Once a month, on Tuesdays" });
  await call("POST", "/lists", { name: "Customers", description: "Whoever has bought something" });
  for (const name of ["web", "vip", "spring-fair"]) await call("POST", "/tags", { name });
  await call("POST", "/custom-fields", { name: "plan", label: "Plan", type: "choice", options: ["free", "pro", "team"] });
  await call("POST", "/custom-fields", { name: "birthday", label: "Birthday", type: "date" });
  await call("POST", "/event-types", { name: "order_paid", description: "An order was paid.", example: { subscriber_id: 1, total: 42 } });
  const scheme = { algorithm: "hmac_sha256", signature: { from: "header:X-Shop-Signature" } };
  await call("POST", "/presets", { id: "our_shop", name: "Our shop", hint: "Shop → Settings → Webhooks", documentation: ["https://shop.example.com/help/webhooks"], scheme, event: ["body:type"] });
  await call("POST", "/api-keys", { name: "Web site", scope: "write" });
  await call("POST", "/users", { email: "marta@example.com", role: "editor" });
  const outgoing = await call("POST", "/outgoing-webhooks", { name: "CRM", url: receiver.url, events: ["subscriber_added", "subscriber_updated"] });
  await call("POST", "/outgoing-webhooks", { name: "Chat, new customers", url: receiver.url, events: ["order_paid"] });
  const mapping = [
    { to: "email", from: "data.contact_email" }, { to: "first_name", from: "data.first_name" }, { to: "last_name", from: "data.last_name" },
    { to: "company", from: "data.company_name" }, { to: "custom_field.plan", from: "data.plan" },
  ];
  const incoming = await call("POST", "/incoming-webhooks", {
    name: "Sign-up form", description: "The form at the foot of the web site", event_type: "subscriber_added", mapping,
    actions: [{ type: "add_subscriber", lists: [list.id], tags: ["web"], update_existing: true }],
  });
  await call("POST", "/incoming-webhooks", { name: "Shop", event_type: "subscriber_updated", actions: [{ type: "add_subscriber", update_existing: true, tags: ["customer"] }] });
  await request.post(incoming.url, { data: { event: "subscriber_added", data: { first_name: "Nobody" } } });
  for (const [contact_email, first_name, last_name, company_name] of PEOPLE) {
    const data = { contact_email, first_name, last_name, company_name, plan: "pro" };
    expect((await request.post(incoming.url, { data: { event: "subscriber_added", data } })).status()).toBe(200);
  }
  await call("POST", `/outgoing-webhooks/${outgoing.id}/test`, {});
  const subscriber = (await call("GET", "/subscribers?email=grace@example.com")).data[0];
  await call("PATCH", `/subscribers/${subscriber.id}`, { company: "US Navy", custom_fields: { birthday: "1906-12-09" }, tags: ["web", "vip"] });
  await expect.poll(() => receiver.bodies.length).toBeGreaterThan(PEOPLE.length);
  const last = async (path: string) => (await call("GET", `${path}?limit=1`)).data[0].id;
  things = {
    incoming: incoming.id, outgoing: outgoing.id, subscriber: String(subscriber.id), sender: "our_shop",
    request: await last(`/incoming-webhooks/${incoming.id}/requests`), delivery: await last(`/outgoing-webhooks/${outgoing.id}/deliveries`), event: await last("/events"),
  };
});

test("every page", async ({ browser }) => {
  test.setTimeout(180_000);
  const page = await own.inside.open(browser);
  for (const [name, path] of PAGES.filter(([name]) => name !== "import")) {
    await page.goto(path(things));
    // The editor comes after the page.
    if (name === "outgoing-payload") await page.locator(".cm-content").first().waitFor();
    await shoot(page, name);
  }
  await page.goto("/subscribers/import");
  const file = "Email,Name,Plan,Shoe size\nnew@example.com,Nina New,pro,38\nada@example.com,Ada Lovelace,pro,37\nnobody,No One,free,\n";
  await page.locator("input[type=file]").setInputFiles({ name: "spring-fair.csv", mimeType: "text/csv", buffer: Buffer.from(file) });
  await expect(page.getByText(/^Of 3 rows/)).toBeVisible();
  await shoot(page, "import");
  await page.context().close();
});

async function shoot(page: Page, name: string) {
  await expect(page.locator("h1").first(), name).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBe(0);
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
}
