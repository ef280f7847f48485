/** Every page, in light and dark, wide and narrow: it has no violation that axe-core knows, and markup from outside is text. */
import AxeBuilder from "@axe-core/playwright";
import { expect, test, type APIRequestContext, type Page } from "@playwright/test";
import { startProgram, startReceiver, type Program, type Receiver } from "./program";

const BASE = "/wp-json/ccsp-mailer/v1";
const MARKUP = `<img src=x onerror="window.struck=1"><script>window.struck=1</script>`;
const SIZES = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];
const SHOTS = process.env.SCREENSHOTS;

let program: Program;
let receiver: Receiver;
let session: string;
const ids: Record<string, string> = {};

test.beforeAll(async ({ playwright }) => {
  program = await startProgram();
  receiver = await startReceiver(JSON.stringify({ said: MARKUP }));
  const request = await playwright.request.newContext({ baseURL: program.url });
  await fill(request);
  session = JSON.stringify(await request.storageState());
});
test.afterAll(async () => {
  await program.stop();
  receiver.stop();
});

/** Puts something on every page. */
async function fill(request: APIRequestContext) {
  const link = program.link.split("#")[1];
  const entered = await request.post(`${BASE}/set-up`, { data: { link, email: "ada@example.com", password: "a sentence of some length" } });
  const headers = { "x-csrf-token": (await entered.json()).csrf_token };
  const post = async (path: string, data: object) => {
    const answer = await request.post(BASE + path, { headers, data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return answer.json();
  };
  // Screenshots show what a person would see, the test what an attacker sends.
  const name = SHOTS ? "Sign-up form" : MARKUP;
  await post("/lists", { name: SHOTS ? "Newsletter" : MARKUP });
  await post("/tags", { name: SHOTS ? "web" : "<b>x</b>" });
  await post("/custom-fields", { name: "plan", label: SHOTS ? "Plan" : MARKUP, type: "text" });
  await post("/api-keys", { name, scope: "read" });
  const outgoing = await post("/outgoing-webhooks", { name: SHOTS ? "CRM" : MARKUP, url: receiver.url, events: ["*"] });
  const incoming = await post("/incoming-webhooks", {
    name, description: name, event_type: "subscriber_added", actions: [{ type: "add_subscriber", update_existing: true, tags: ["web"] }],
  });
  const person = { email: "grace@example.com", first_name: SHOTS ? "Grace" : MARKUP, last_name: "Hopper", company: SHOTS ? "Navy" : MARKUP };
  const received = await request.post(incoming.url, { headers: { "x-note": MARKUP }, data: { event: "subscriber_added", data: person } });
  expect(received.status()).toBe(200);
  await post(`/outgoing-webhooks/${outgoing.id}/test`, {});
  const subscribers = await (await request.get(`${BASE}/subscribers`)).json();
  Object.assign(ids, { incoming: incoming.id, outgoing: outgoing.id, subscriber: String(subscribers.data[0].id) });
}

const PAGES: [string, () => string][] = [
  ["home", () => "/"],
  ["incoming", () => "/incoming"],
  ["incoming-new", () => "/incoming/new"],
  ["incoming-receive", () => `/incoming/${ids.incoming}`],
  ["incoming-mapping", () => `/incoming/${ids.incoming}?tab=mapping`],
  ["incoming-actions", () => `/incoming/${ids.incoming}?tab=actions`],
  ["incoming-security", () => `/incoming/${ids.incoming}?tab=security`],
  ["incoming-log", () => `/incoming/${ids.incoming}?tab=log`],
  ["outgoing", () => "/outgoing"],
  ["outgoing-new", () => "/outgoing/new"],
  ["outgoing-settings", () => `/outgoing/${ids.outgoing}`],
  ["outgoing-payload", () => `/outgoing/${ids.outgoing}?tab=payload`],
  ["outgoing-test", () => `/outgoing/${ids.outgoing}?tab=test`],
  ["outgoing-stats", () => `/outgoing/${ids.outgoing}?tab=stats`],
  ["outgoing-log", () => `/outgoing/${ids.outgoing}?tab=log`],
  ["subscribers", () => "/subscribers"],
  ["subscriber", () => `/subscribers/${ids.subscriber}`],
  ["lists", () => "/lists"],
  ["tags", () => "/tags"],
  ["custom-fields", () => "/custom-fields"],
  ["events", () => "/events"],
  ["api-keys", () => "/api-keys"],
  ["users", () => "/users"],
  ["settings", () => "/settings"],
];

for (const colorScheme of ["light", "dark"] as const) {
  for (const viewport of SIZES) {
    test(`pages, ${colorScheme}, ${viewport.width} px`, async ({ browser }) => {
      test.setTimeout(180_000);
      const context = await browser.newContext({ baseURL: program.url, colorScheme, viewport, storageState: JSON.parse(session), reducedMotion: "reduce" });
      const page = await context.newPage();
      for (const [name, path] of PAGES) await look(page, name, path(), `${colorScheme}-${viewport.width}`);
      await context.close();
    });
  }
}

async function look(page: Page, name: string, path: string, how: string) {
  await page.goto(path);
  await expect(page.locator("h1").first(), name).toBeVisible();
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await expect.poll(() => page.evaluate(() => document.getAnimations().length)).toBe(0);
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${how}.png` });
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.slice(0, 200)}`).join(" | ")}`);
  expect.soft(found, `${name} ${how}`).toEqual([]);
  expect(await page.evaluate(() => "struck" in window), `${name}: markup ran`).toBe(false);
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(tooWide, `${name} ${how}: scrolls sideways`).toBeLessThanOrEqual(0);
}
