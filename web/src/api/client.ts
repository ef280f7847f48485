/**
 * The REST API, as the program's OpenAPI document describes it. Paths are below `BASE`.
 *
 * A session is a cookie that this code can't read. A change needs the session's second token as well, which `remember` gets
 * from whoever logs in or asks who is logged in.
 */
import createClient from "openapi-fetch";
import { problemOf } from "./problem";
import type { components, paths } from "./schema";

export const BASE = "/wp-json/ccsp-mailer/v1";

export type Schemas = components["schemas"];

let csrfToken = "";

export function rememberCsrfToken(token: string) {
  csrfToken = token;
}

/** Told when the server no longer knows the session, so that the page can ask to log in without losing what was typed. */
let onSessionEnded = () => {};

export function whenSessionEnds(listener: () => void) {
  onSessionEnded = listener;
}

/** Questions that anyone may ask: a 401 to one of these does not say that a session has ended. */
const OPEN = ["/session", "/session/password", "/set-up"];

export const api = createClient<paths>({ baseUrl: BASE });

api.use({
  onRequest({ request }) {
    if (request.method !== "GET" && csrfToken !== "") request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onResponse({ request, response }) {
    const path = new URL(request.url).pathname.slice(BASE.length);
    if (response.status === 401 && !OPEN.includes(path)) onSessionEnded();
  },
});

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
