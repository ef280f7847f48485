/** Every page has no violation that axe-core knows, does not scroll sideways, and markup from outside is text. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { PAGES, type Things } from "./every_page";
import { ACT, ownProgram } from "./fixture";
import type { SignedIn } from "./signed_in";

const MARKUP = `<img src=x onerror="window.struck=1"><script>window.struck=1</script>`;

const own = ownProgram(JSON.stringify({ said: MARKUP }));
const { test } = own;
let things: Things;

test.beforeAll(async () => {
  things = await fill(own.inside);
});

/** Puts something on every page. */
async function fill({ request, call }: SignedIn): Promise<Things> {
  const post = (path: string, data: object) => call("POST", path, data);
  const name = MARKUP;
  await post("/lists", { name, description: name });
  await post("/tags", { name: "<b>x</b>" });
  await post("/custom-fields", { name: "plan", label: MARKUP, type: "text" });
  await post("/event-types", { name: "order_paid", description: name, example: { who: name } });
  await post("/api-keys", { name, scope: "read" });
  const outgoing = await post("/outgoing-webhooks", { name: MARKUP, url: own.receiver.url, events: ["*"] });
  const incoming = await post("/incoming-webhooks", {
    name, description: name, event_type: "subscriber_added", actions: [{ type: "add_subscriber", update_existing: true, tags: ["web"] }],
  });
  const scheme = { algorithm: "hmac_sha256", signature: { from: "header:X-Shop-Signature" } };
  await post("/presets", { id: "our_shop", name: MARKUP, hint: name, scheme, event: ["body:type"] });
  const person = { email: "grace@example.com", first_name: MARKUP, last_name: "Hopper", company: MARKUP };
  // An address and a kind of event that are markup: refused and ignored, and in the log.
  for (const data of [{ event: "subscriber_added", data: { email: MARKUP } }, { event: MARKUP, data: person }]) await request.post(incoming.url, { data });
  const received = await request.post(incoming.url, { headers: { "x-note": MARKUP, "user-agent": MARKUP }, data: { event: "subscriber_added", source: MARKUP, data: { ...person, custom_fields: { plan: MARKUP } } } });
  expect(received.status()).toBe(200);
  await post(`/outgoing-webhooks/${outgoing.id}/test`, {});
  const delivered = async () => (await call("GET", `/outgoing-webhooks/${outgoing.id}/deliveries?status=delivered`)).data;
  await expect.poll(async () => (await delivered()).length).toBeGreaterThan(1);
  const subscribers = await call("GET", "/subscribers");
  return {
    incoming: incoming.id, outgoing: outgoing.id, subscriber: String(subscribers.data[0].id), sender: "our_shop",
    request: (await received.json()).request_id, delivery: (await delivered())[0].id, event: (await call("GET", "/events?limit=1")).data[0].id,
  };
}

/** Some of them: `PAGES=incoming npx playwright test pages`. */
const LOOKED_AT = PAGES.filter(([name]) => name.startsWith(process.env.PAGES ?? ""));

test("every page is accessible, and shows markup as text", ACT, async ({ browser }) => {
  test.setTimeout(400_000);
  const page = await own.inside.open(browser);
  for (const [name, path] of LOOKED_AT) await look(page, name, path(things));
  await page.context().close();
  const { colorScheme, viewport } = test.info().project.use;
  // axe-core wants a page of a context of its own.
  const outside = await (await browser.newContext({ baseURL: own.inside.program.url, colorScheme, viewport, reducedMotion: "reduce", locale: "en-GB" })).newPage();
  for (const [name, path] of [["log-in", "/log-in"], ["set-up", "/set-up"]] as const) await look(outside, name, path);
  await outside.context().close();
});

async function look(page: Page, name: string, path: string) {
  await page.goto(path);
  await expect(page.locator("h1").first(), name).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBe(0);
  // A drawer has a header of its own, and so has the page beneath it, which is out of reach meanwhile.
  const { violations } = await new AxeBuilder({ page }).disableRules(path.includes("entry=") ? ["landmark-no-duplicate-banner", "landmark-unique"] : []).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.slice(0, 200)}`).join(" | ")}`);
  expect.soft(found, name).toEqual([]);
  expect(await page.evaluate(() => "struck" in window), `${name}: markup ran`).toBe(false);
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(tooWide, `${name}: scrolls sideways`).toBeLessThanOrEqual(0);
}
