/** Every page, in light and dark, wide and narrow: it has no violation that axe-core knows, and markup from outside is text. */
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { PAGES, type Things } from "./every_page";
import { ownProgram } from "./fixture";
import type { SignedIn } from "./signed_in";

const MARKUP = `<img src=x onerror="window.struck=1"><script>window.struck=1</script>`;
const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];

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
  await post("/lists", { name: MARKUP });
  await post("/tags", { name: "<b>x</b>" });
  await post("/custom-fields", { name: "plan", label: MARKUP, type: "text" });
  await post("/api-keys", { name, scope: "read" });
  const outgoing = await post("/outgoing-webhooks", { name: MARKUP, url: own.receiver.url, events: ["*"] });
  const incoming = await post("/incoming-webhooks", {
    name, description: name, event_type: "subscriber_added", actions: [{ type: "add_subscriber", update_existing: true, tags: ["web"] }],
  });
  const scheme = { algorithm: "hmac_sha256", signature: { from: "header:X-Shop-Signature" } };
  await post("/presets", { id: "our_shop", name: MARKUP, hint: name, scheme, event: ["body:type"] });
  const person = { email: "grace@example.com", first_name: MARKUP, last_name: "Hopper", company: MARKUP };
  const received = await request.post(incoming.url, { headers: { "x-note": MARKUP }, data: { event: "subscriber_added", data: person } });
  expect(received.status()).toBe(200);
  await post(`/outgoing-webhooks/${outgoing.id}/test`, {});
  const subscribers = await call("GET", "/subscribers");
  return { incoming: incoming.id, outgoing: outgoing.id, subscriber: String(subscribers.data[0].id), sender: "our_shop" };
}

/** Some of them: `PAGES=incoming npx playwright test pages`. */
const LOOKED_AT = PAGES.filter(([name]) => name.startsWith(process.env.PAGES ?? ""));

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of SIZES) {
    test(`pages, ${colorScheme}, ${viewport.width} px`, async ({ browser }) => {
      test.setTimeout(400_000);
      const page = await own.inside.open(browser, { colorScheme, viewport });
      for (const [name, path] of LOOKED_AT) await look(page, name, path(things), `${colorScheme}-${viewport.width}`);
      await page.context().close();
      const nobody = { baseURL: own.inside.program.url, colorScheme, viewport, reducedMotion: "reduce", locale: "en-GB" } as const;
      // axe-core wants a page of a context of its own.
      const outside = await (await browser.newContext(nobody)).newPage();
      for (const [name, path] of [["log-in", "/log-in"], ["set-up", "/set-up"]] as const) await look(outside, name, path, `${colorScheme}-${viewport.width}`);
      await outside.context().close();
    });
  }
}

async function look(page: Page, name: string, path: string, how: string) {
  await page.goto(path);
  await expect(page.locator("h1").first(), name).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBe(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.slice(0, 200)}`).join(" | ")}`);
  expect.soft(found, `${name} ${how}`).toEqual([]);
  expect(await page.evaluate(() => "struck" in window), `${name}: markup ran`).toBe(false);
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(tooWide, `${name} ${how}: scrolls sideways`).toBeLessThanOrEqual(0);
}
