/** The program with someone in it, for tests that begin where the story ends. */
import { expect, test, type APIRequestContext, type Browser, type BrowserContextOptions, type Page, type PlaywrightWorkerArgs } from "@playwright/test";
import { startProgram, type Program } from "./program";

export const BASE = "/wp-json/ccsp-mailer/v1";
export const EMAIL = "ada@example.com";
export const PASSWORD = "a sentence of some length";

// What the API answers is checked by the API's own tests.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Answer = any;

export interface SignedIn {
  program: Program;
  request: APIRequestContext;
  /** A call of the API, which must go well. */
  call: (method: "GET" | "POST" | "PATCH" | "DELETE", path: string, data?: object) => Promise<Answer>;
  /** A new page of someone who is logged in. */
  open: (browser: Browser, options?: BrowserContextOptions) => Promise<Page>;
  stop: () => Promise<void>;
}

export async function signedIn(playwright: PlaywrightWorkerArgs["playwright"]): Promise<SignedIn> {
  const program = await startProgram();
  const request = await playwright.request.newContext({ baseURL: program.url });
  const link = program.link.split("#")[1];
  const entered = await request.post(`${BASE}/set-up`, { data: { link, email: EMAIL, password: PASSWORD } });
  const headers = { "x-csrf-token": (await entered.json()).csrf_token };
  const storageState = await request.storageState();
  return {
    program,
    request,
    call: async (method, path, data) => {
      const answer = await request.fetch(BASE + path, { method, headers, data });
      expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
      return answer.status() === 204 ? undefined : answer.json();
    },
    open: async (browser, options) => {
      const { colorScheme, viewport } = test.info().project.use;
      const context = await browser.newContext({ baseURL: program.url, storageState, reducedMotion: "reduce", locale: "en-GB", colorScheme, viewport, ...options });
      return context.newPage();
    },
    stop: async () => {
      await request.dispose();
      await program.stop();
    },
  };
}
