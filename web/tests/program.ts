/** The program as it is built, on a temporary folder and a free port, and a receiver for what it sends. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.CCSP_MAILER ?? new URL("../../target/debug/ccsp-mailer", import.meta.url).pathname;

/** Where programs answer that were started here: nothing else may be asked by a page. */
export const origins = new Set<string>();

const LISTENING = /^listening on (\S+)/;

export interface Program {
  url: string;
  /** The link by which the first user logs in. */
  link: string;
  /** Ends it, and starts it again at the same address, with the same data; `between` runs while nobody answers. */
  restart: (between?: () => Promise<void>) => Promise<void>;
  stop: () => Promise<void>;
}

export async function startProgram(): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), "ccsp-web-"));
  let child = start(folder, `127.0.0.1:${await freePort()}`);
  const [url = "", link = ""] = await Promise.race([printed(child, [LISTENING, /open (\S+)/]), died(child)]);
  origins.add(url);
  return {
    url,
    link,
    restart: async (between) => {
      await end(child);
      await between?.();
      child = start(folder, new URL(url).host);
      await Promise.race([printed(child, [LISTENING]), died(child)]);
    },
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true });
    },
  };
}

/**
 * A port that stays free while a program restarts: below those that Linux gives to outgoing connections, and in each worker among
 * others.
 */
async function freePort(): Promise<number> {
  const first = 20_000 + Number(process.env.TEST_PARALLEL_INDEX ?? 0) * 1_000 + (process.pid % 500);
  for (let port = first; port < 32_000; port++) {
    const server = createServer();
    const isFree = await new Promise((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error("no port is free");
}

function start(folder: string, address: string): ChildProcess {
  const options = ["serve", "--listen", address, "--data-dir", folder, "--allow-private-destinations", "127.0.0.0/8", "--log-level", "error"];
  return spawn(BINARY, options, { stdio: ["ignore", "pipe", "inherit"] });
}

async function end(child: ChildProcess) {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

export interface Demo {
  /** The link that is printed for the web admin. */
  link: string;
  /** Where the printed command posts to. */
  webhook: string;
  stop: () => Promise<void>;
}

export async function startDemo(): Promise<Demo> {
  const child = spawn(BINARY, ["demo", "--demo-listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "ignore"] });
  const [link, webhook] = await Promise.race([printed(child, [/Web admin, logged in: (\S+)/, /curl -X POST '([^']+)'/]), died(child)]);
  origins.add(new URL(link ?? "").origin);
  return { link: link ?? "", webhook: webhook ?? "", stop: () => end(child) };
}

/** What these say, each once it is printed. They are printed in this order. */
async function printed(child: ChildProcess, wanted: RegExp[]): Promise<string[]> {
  const found: string[] = [];
  if (!child.stdout) throw new Error("the program has no stdout");
  for await (const line of createInterface({ input: child.stdout })) {
    const [, what] = wanted[found.length]?.exec(line) ?? [];
    if (what) found.push(what);
    if (found.length === wanted.length) return found;
  }
  throw new Error("the program did not print what it should");
}

function died(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the program ended with ${code}`)));
  });
}

export interface Receiver {
  url: string;
  bodies: string[];
  stop: () => void;
}

/** Answers what it is told to, whatever comes. */
export async function startReceiver(answer = '{"ok":true}'): Promise<Receiver> {
  const bodies: string[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      bodies.push(body);
      response.setHeader("content-type", "application/json").end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, bodies, stop: () => void server.close() };
}
