/** What Ctrl-K finds in the API. */
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import type { Translate } from "../texts";

/** How many of each kind are shown. */
const EACH = 5;

export interface Found {
  /** Where it leads, with its parameters. */
  href: string;
  name: string;
  /** What it is, in a word. */
  kind: string;
}

export async function findStored(q: string, t: Translate): Promise<Found[]> {
  const entry = await findEntry(q, t);
  if (entry) return [entry];
  const params = { query: { q, limit: EACH } };
  const [incoming, outgoing, subscribers, lists, tags, kinds] = await Promise.all([
    answer(api.GET("/incoming-webhooks", { params })),
    answer(api.GET("/outgoing-webhooks", { params })),
    answer(api.GET("/subscribers", { params })),
    answer(api.GET("/lists", { params })),
    answer(api.GET("/tags", { params })),
    answer(api.GET("/event-types", { params: { query: { limit: 200 } } })),
  ]);
  return [
    ...incoming.data.map(({ id, name }) => ({ href: `/incoming/${id}`, name, kind: t("incoming") })),
    ...outgoing.data.map(({ id, name }) => ({ href: `/outgoing/${id}`, name, kind: t("outgoing") })),
    ...subscribers.data.map(({ id, email }) => ({ href: `/subscribers/${id}`, name: email, kind: t("subscriber") })),
    ...lists.data.map(({ id, name }) => ({ href: `/subscribers?list=${id}`, name, kind: t("list") })),
    ...tags.data.map(({ name }) => ({ href: `/subscribers?tag=${encodeURIComponent(name)}`, name, kind: t("tag") })),
    ...kinds.data
      .filter(({ name }) => name.includes(q.toLowerCase()))
      .slice(0, EACH)
      .map(({ name }) => ({ href: `/events?event_type=${name}`, name, kind: t("event") })),
  ];
}

/** An entry of a log, by its whole id. */
async function findEntry(id: string, t: Translate): Promise<Found | undefined> {
  const kind = /^(req|dlv|evt)_[0-9a-z]{20,}$/i.exec(id)?.[1]?.toLowerCase();
  const params = { path: { id } };
  try {
    switch (kind) {
      case "req": {
        const { webhook_id } = await answer(api.GET("/requests/{id}", { params }));
        return { href: `/incoming/${webhook_id}?tab=log&entry=${id}`, name: id, kind: t("request") };
      }
      case "dlv": {
        const { webhook_id } = await answer(api.GET("/deliveries/{id}", { params }));
        return { href: `/outgoing/${webhook_id}?tab=log&entry=${id}`, name: id, kind: t("delivery") };
      }
      case "evt":
        await answer(api.GET("/events/{id}", { params }));
        return { href: `/events?entry=${id}`, name: id, kind: t("event") };
      default:
        return undefined;
    }
  } catch (problem) {
    if (problem instanceof ApiProblem && problem.status === 404) return undefined;
    throw problem;
  }
}
