// Measures what someone waits for: the home page until it can be used, and a log of a million entries until its first row is
// there, and whether it jumps while one scrolls. Prints a table for BENCHMARKS.md.
//
//   CCSP_MAILER=target/release/ccsp-mailer ENTRIES=1000000 npm --prefix web run measure
//
// The program must have been built after `make web`. Filling the log takes some minutes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";

const BINARY = process.env.CCSP_MAILER ?? "target/release/ccsp-mailer";
const ENTRIES = Number(process.env.ENTRIES ?? 1_000_000);
const RUNS = 5;
/** Requests under way at once while the log is filled. */
const AT_ONCE = 64;
const BASE = "/wp-json/ccsp-mailer/v1";

const folder = mkdtempSync(join(tmpdir(), "ccsp-measure-"));
const program = spawn(BINARY, ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder, "--log-level", "error"], { stdio: ["ignore", "pipe", "inherit"] });
const ended = new Promise((resolve) => program.once("exit", resolve));
try {
  await measure();
} finally {
  program.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true });
}

async function measure() {
  const { url, link } = await printed();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  const context = await browser.newContext({ baseURL: url, locale: "en-GB", viewport: { width: 1280, height: 900 } });
  const entered = await context.request.post(`${url}${BASE}/set-up`, { data: { link: link.split("#")[1], email: "ada@example.com", password: "a sentence of some length" } });
  const headers = { "x-csrf-token": (await entered.json()).csrf_token };
  const made = await context.request.post(`${url}${BASE}/incoming-webhooks`, { headers, data: { name: "Form", event_type: "subscriber_added", actions: [] } });
  const webhook = await made.json();
  await fill(webhook.url);

  const log = `/incoming/${webhook.id}?tab=log`;
  const row = ".logbody .logrow";
  // Once without a count: the browser and the database begin cold.
  await timed(context, "/", "main h2");
  await timed(context, log, row);
  const home = [], opened = [], switched = [];
  for (let run = 0; run < RUNS; run += 1) {
    home.push(await timed(context, "/", "main h2"));
    opened.push(await timed(context, log, row));
    switched.push(await switchedTo(context, `/incoming/${webhook.id}`, row));
  }
  const scrolled = await scroll(context, log);
  console.log("\n| what | median | worst | target |\n| --- | --- | --- | --- |");
  const line = (what, times, target) => console.log(`| ${what} | ${Math.round([...times].sort((a, b) => a - b)[RUNS >> 1])} ms | ${Math.round(Math.max(...times))} ms | ${target} |`);
  line("Home: address entered until it can be used", home, "< 1,000 ms");
  line(`Log of ${ENTRIES.toLocaleString("en")} entries: its tab clicked until the first row`, switched, "< 300 ms");
  line(`Log of ${ENTRIES.toLocaleString("en")} entries: address entered until the first row, page and all`, opened, "");
  console.log(`\nScrolled through ${scrolled.rows} rows: layout shift ${scrolled.shift.toFixed(4)}, rows out of order ${scrolled.disorder}, blank frames ${scrolled.blank} of ${scrolled.frames}`);
  await browser.close();
}

async function printed() {
  let url = "";
  for await (const line of createInterface({ input: program.stdout })) {
    url = /^listening on (\S+)/.exec(line)?.[1] ?? url;
    const link = /open (\S+)/.exec(line)?.[1];
    if (link) return { url, link };
  }
  throw new Error("the program printed no link");
}

/** Posts so many requests, as a sender does. */
async function fill(address) {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  let sent = 0;
  const send = (number) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({ event: "subscriber_added", data: { email: `person.${number}@example.com`, first_name: "Ada", company: "Analytical Engines" } });
      const call = request(address, { method: "POST", agent, headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) } }, (answer) => {
        answer.resume();
        if (answer.statusCode !== 200) return reject(new Error(`answered with ${answer.statusCode}`));
        answer.once("end", resolve);
      });
      call.once("error", reject);
      call.end(body);
    });
  const worker = async () => {
    while (sent < ENTRIES) {
      const number = (sent += 1);
      await send(number);
      if (number % 100_000 === 0) console.error(`${number} entries`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  agent.destroy();
}

/** Milliseconds from the navigation until this is there and the page is free to react. */
async function timed(context, path, selector) {
  const page = await context.newPage();
  await page.goto(path);
  await page.waitForSelector(selector);
  const millis = await page.evaluate(untilFree);
  await page.close();
  return millis;
}

/** Milliseconds from a click on the log's tab until its first row. */
async function switchedTo(context, path, row) {
  const page = await context.newPage();
  await page.goto(path);
  await page.waitForLoadState("networkidle");
  const millis = await page.evaluate(async (row) => {
    const tab = [...document.querySelectorAll("[role=tab]")].find((one) => one.textContent === "Activity log");
    const begun = performance.now();
    tab.click();
    while (!document.querySelector(row)) await new Promise(requestAnimationFrame);
    return performance.now() - begun;
  }, row);
  await page.close();
  return millis;
}

/** In the page: what is asked for is there; two calm frames later nothing is left to be done. */
async function untilFree() {
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return performance.now();
}

/** Scrolls down by the wheel, fast, and looks at every frame. */
async function scroll(context, path) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(path);
  await page.waitForSelector(".logbody .logrow");
  await page.waitForLoadState("load");
  const found = await page.evaluate(async () => {
    window.shift = 0;
    const list = document.querySelector(".logrows");
    let [frames, blank, disorder, rows] = [0, 0, 0, 0];
    for (const end = performance.now() + 10_000; performance.now() < end; frames += 1) {
      list.scrollBy(0, 200);
      await new Promise(requestAnimationFrame);
      const shown = [...list.querySelectorAll(".logbody .logrow")].filter((row) => row.getBoundingClientRect().bottom > list.getBoundingClientRect().top + 60);
      if (shown.length === 0) blank += 1;
      const at = shown.map((row) => Number(row.getAttribute("aria-rowindex")));
      if (at.some((index, n) => n > 0 && index !== at[n - 1] + 1)) disorder += 1;
      rows = Math.max(rows, ...at);
    }
    return { frames, blank, disorder, rows, shift: window.shift };
  });
  await page.close();
  return found;
}
