/** Every page, by the name that its picture has, for tests and pictures of all of them. */

/** What there must be for each page to have something on it. */
export interface Things {
  incoming: string;
  outgoing: string;
  subscriber: string;
  sender: string;
  /** Entries of the logs. */
  request: string;
  delivery: string;
  event: string;
}

export const PAGES: [name: string, path: (things: Things) => string][] = [
  ["home", () => "/"],
  ["incoming", () => "/incoming"],
  ["incoming-new", () => "/incoming/new"],
  ["incoming-receive", ({ incoming }) => `/incoming/${incoming}`],
  ["incoming-mapping", ({ incoming }) => `/incoming/${incoming}?tab=mapping`],
  ["incoming-actions", ({ incoming }) => `/incoming/${incoming}?tab=actions`],
  ["incoming-security", ({ incoming }) => `/incoming/${incoming}?tab=security`],
  ["incoming-settings", ({ incoming }) => `/incoming/${incoming}?tab=settings`],
  ["incoming-log", ({ incoming }) => `/incoming/${incoming}?tab=log`],
  ["incoming-request", ({ incoming, request }) => `/incoming/${incoming}?tab=log&entry=${request}`],
  ["senders", () => "/senders"],
  ["sender", ({ sender }) => `/senders/${sender}`],
  ["outgoing", () => "/outgoing"],
  ["outgoing-new", () => "/outgoing/new"],
  ["outgoing-settings", ({ outgoing }) => `/outgoing/${outgoing}`],
  ["outgoing-payload", ({ outgoing }) => `/outgoing/${outgoing}?tab=payload`],
  ["outgoing-test", ({ outgoing }) => `/outgoing/${outgoing}?tab=test`],
  ["outgoing-stats", ({ outgoing }) => `/outgoing/${outgoing}?tab=stats`],
  ["outgoing-log", ({ outgoing }) => `/outgoing/${outgoing}?tab=log`],
  ["outgoing-delivery", ({ outgoing, delivery }) => `/outgoing/${outgoing}?tab=log&entry=${delivery}`],
  ["subscribers", () => "/subscribers"],
  ["subscriber", ({ subscriber }) => `/subscribers/${subscriber}`],
  ["import", () => "/subscribers/import"],
  ["lists", () => "/lists"],
  ["tags", () => "/tags"],
  ["custom-fields", () => "/custom-fields"],
  ["events", () => "/events"],
  ["event", ({ event }) => `/events?entry=${event}`],
  ["api-keys", () => "/api-keys"],
  ["users", () => "/users"],
  ["audit-log", () => "/audit-log"],
  ["settings", () => "/settings"],
];
