import { defineConfig } from "@playwright/test";

// Debian's browser: nothing is downloaded behind the back of whoever runs the tests.
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
/** What a page is there for is tried in every look; the rest does not depend on how it looks. */
const ACTS = /@act/;

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // Each file has a program and a folder of its own, so files may run side by side.
  workers: 2,
  // docs/decisions/0033: what is told as flaky is to be mended like what fails.
  retries: process.env.CI ? 1 : 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: "list",
  use: {
    launchOptions: { executablePath: CHROMIUM, args: ["--no-sandbox"] },
    locale: "en-GB",
    contextOptions: { reducedMotion: "reduce" },
    trace: "retain-on-failure",
  },
  projects: [
    { name: "light, 1280 px", use: { colorScheme: "light", viewport: WIDE } },
    { name: "dark, 1280 px", use: { colorScheme: "dark", viewport: WIDE }, grep: ACTS },
    { name: "light, 390 px", use: { colorScheme: "light", viewport: NARROW }, grep: ACTS },
    { name: "dark, 390 px", use: { colorScheme: "dark", viewport: NARROW }, grep: ACTS },
  ],
});
