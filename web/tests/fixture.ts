/** What every browser test has: a watch on what a page must never do, and, for a file that wants it, a program of its own. */
import { expect, test as base, type Page, type Request } from "@playwright/test";
import { origins, startReceiver, type Receiver } from "./program";
import { BASE, signedIn, type SignedIn } from "./signed_in";

/** A test that fails if a page asks another host, does what its Content-Security-Policy forbids, or throws what nobody catches. */
export const test = base.extend<{ blameless: undefined }, { faults: string[] }>({
  faults: [
    async ({ browser }, give) => {
      const faults: string[] = [];
      browser.on("context", (context) => {
        context.on("request", (made) => isOurs(made.url()) || faults.push(`another host was asked: ${made.url()}`));
        context.on("console", (message) => message.text().includes("Content Security Policy") && faults.push(message.text()));
        context.on("weberror", (thrown) => faults.push(`nobody caught ${thrown.error().stack}`));
      });
      await give(faults);
    },
    { scope: "worker", auto: true },
  ],
  blameless: [
    async ({ faults }, give) => {
      await give(undefined);
      expect(faults.splice(0), "what a page must never do").toEqual([]);
    },
    { auto: true },
  ],
});

function isOurs(url: string): boolean {
  return url.startsWith("data:") || url.startsWith("blob:") || origins.has(new URL(url).origin);
}

/** Put on tests of what a page is there for: they run in light and dark, wide and narrow. */
export const ACT = { tag: "@act" };

export interface Own {
  inside: SignedIn;
  receiver: Receiver;
  /** `test` with a page of someone who is logged in. */
  test: typeof test;
}

/** A program and a receiver for the tests of one file, which must not see what those of others do. `answer` is what the receiver says. */
export function ownProgram(answer?: string): Own {
  const own = {} as Own;
  own.test = test.extend<{ page: Page }>({
    page: async ({ browser }, give) => {
      const page = await own.inside.open(browser);
      await give(page);
      await page.context().close();
    },
  });
  test.beforeAll(async ({ playwright }) => {
    own.inside = await signedIn(playwright);
    own.receiver = await startReceiver(answer);
  });
  test.afterAll(async () => {
    await own.inside.stop();
    own.receiver.stop();
  });
  return own;
}

/** Goes to a page by the menu, which stands behind a button where there is little room. */
export async function goTo(page: Page, name: string) {
  const button = page.getByRole("banner").getByRole("button", { name: "Menu" });
  if (await button.isVisible()) await button.click();
  await page.getByRole("navigation", { name: "Menu" }).getByRole("link", { name, exact: true }).click();
}

/** Presses a switch. What is called so has no size of its own: the track beside it is what one sees and presses. */
export async function flip(page: Page, name: string) {
  await page.getByRole("switch", { name }).locator("+ *").click();
}

/**
 * The session is lost while what `ask` sends is on its way: not before, or what the page asks by itself would meet it first, and
 * the log-in window would lie over what `ask` presses.
 */
export async function withoutSession(page: Page, ask: () => Promise<void>, isAsked = (sent: Request) => sent.method() !== "GET") {
  await page.route(`**${BASE}/**`, async (route) => {
    if (isAsked(route.request())) await page.context().clearCookies();
    await route.continue();
  });
  await ask();
  const said = page.getByRole("dialog", { name: "Please log in again" });
  await expect(said).toBeVisible();
  await page.unrouteAll({ behavior: "wait" });
  return said;
}
