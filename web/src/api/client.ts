/**
 * The REST API, as the program's OpenAPI document describes it. Paths are below `BASE`.
 *
 * A session is a cookie that this code can't read. A change needs the session's second token as well, which `remember` gets
 * from whoever logs in or asks who is logged in.
 */
import createClient from "openapi-fetch";
import { problemOf } from "./problem";
import type { components, paths } from "./schema";
import { meantForLastSeen, rememberVersion } from "./versions";

export const BASE = "/wp-json/ccsp-mailer/v1";

export type Schemas = components["schemas"];

/** Whose session it is, and its second token. */
interface Remembered {
  csrf_token: string;
  user: { id: string };
}

let session: Remembered | undefined;

export function remember(begun: Remembered | undefined) {
  session = begun;
}

/** Told when the server no longer knows the session, so that the page can ask to log in without losing what was typed. */
let onSessionEnded = () => {};

export function whenSessionEnds(listener: () => void) {
  onSessionEnded = listener;
}

/** Questions that anyone may ask: a 401 to one of these does not say that a session has ended. */
const OPEN = ["/session", "/session/password", "/set-up"];

/** Several values of a parameter stand in one, with commas between. */
export const api = createClient<paths>({ baseUrl: BASE, fetch: send, querySerializer: { array: { style: "form", explode: false } } });

async function send(request: Request): Promise<Response> {
  if (request.method === "GET") return told(request, await fetch(request));
  const again = request.clone();
  const response = await fetch(signed(request));
  if (response.status !== 403 || !(await isOfOtherSession(response.clone()))) return told(request, response);
  return (await asksAgain()) ? told(request, await fetch(signed(again))) : response;
}

function signed(request: Request): Request {
  if (session) request.headers.set("X-CSRF-Token", session.csrf_token);
  return request;
}

function told(request: Request, response: Response): Response {
  const path = new URL(request.url).pathname.slice(BASE.length);
  rememberVersion(request, response);
  if (response.status === 401 && !OPEN.includes(path)) onSessionEnded();
  return response;
}

/** Someone logged in again in another tab: the cookie is of the new session, and the second token of the old one. */
async function isOfOtherSession(response: Response): Promise<boolean> {
  const problem: { type?: string } = await response.json().catch(() => ({}));
  return problem.type?.endsWith("csrf-token-needed") ?? false;
}

/** Takes over the new session, unless it is someone else's: this page must not do as them what was begun as another. */
async function asksAgain(): Promise<boolean> {
  const response = await fetch(`${BASE}/session`);
  if (!response.ok) return false;
  const begun: Remembered = await response.json();
  if (session && begun.user.id !== session.user.id) {
    onSessionEnded();
    return false;
  }
  session = begun;
  return true;
}

/** The headers of a change of what is at this path, for the version that was read last. */
export function ifUnchanged(path: string): Record<string, string> {
  return meantForLastSeen(BASE + path);
}

/** The answer of a call, or an `ApiProblem` thrown. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let outcome;
  try {
    outcome = await call;
  } catch (cause) {
    throw problemOf(undefined, undefined, cause);
  }
  if (!outcome.response.ok) throw problemOf(outcome.response, outcome.error);
  return outcome.data as T;
}
