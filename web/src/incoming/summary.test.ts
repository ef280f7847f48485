import { expect, test } from "vitest";
import { fill } from "../texts";
import { en } from "../texts/en";
import { summaryOf } from "./summary";

const t = (name: keyof typeof en, values?: Record<string, string | number>) => fill(en[name], values);
const names = { list: (id: number) => `list ${id}`, status: (status: string) => status };
const plain = { event_type: "order_paid", actions: [], filter: null, mapping: null, require_api_key: false, signature: {}, ip_allowlist: [] };

test("a webhook that does nothing says so, and who may send", () => {
  expect(summaryOf(plain, t, names)).toEqual(["When order_paid comes in, it is logged and nothing else.", "Whoever knows the URL can send."]);
});

test("lists, tags, conditions and proofs are named", () => {
  const said = summaryOf(
    {
      ...plain, filter: "data.ok", require_api_key: true, signature: { scheme: "preset" },
      actions: [
        { type: "add_subscriber", lists: [1], tags: ["web", "vip"], update_existing: true },
        { type: "call_api", url: "https://crm.example.com/x/{mapped.email}", when: "data.plan == 'pro'" },
      ],
    },
    t, names,
  );
  expect(said).toEqual([
    "When order_paid comes in and data.ok, the subscriber is added or updated on list 1 with the tags web, vip; crm.example.com is called (only if data.plan == 'pro').",
    "A sender needs the URL and: the API key, a signature.",
  ]);
});
