import { expect, test } from "vitest";
import { pageOf, type AuditEntry } from "./auditRows";

const about = (kind: AuditEntry["target"]["kind"], id: string | null, verb: AuditEntry["verb"] = "updated") => pageOf({ target: { kind, id, name: null }, verb });

test("what was changed is led to, if it has a page and is still there", () => {
  expect(about("outgoing_webhook", "f6e5d4c3b2a1")).toBe("/outgoing/f6e5d4c3b2a1");
  expect(about("subscriber", null, "exported")).toBe("/subscribers");
  expect(about("list", "1")).toBe("/lists");
  expect(about("outgoing_webhook", "f6e5d4c3b2a1", "deleted")).toBeUndefined();
  expect(about("task", "tsk_1")).toBeUndefined();
});
