import { expect, test } from "vitest";
import { deliveryChanged, type DeliveryRow } from "./deliveryRows";
import { parseEntry } from "./feed";
import { isAmong, requestChanged } from "./requestRows";

const request = { id: "req_1", at: "", status: "failed", event_type: "x", answered: 422, sender_ip: "" };
const delivery: DeliveryRow = { id: "dlv_1", at: "", status: "retrying", event_type: "x", test: false, attempts: 2, answered: "503", millis: 5 };

test("an entry is an object with an id", () => {
  expect(parseEntry("request", `{"id":"req_1","status":"failed"}`)).toEqual({ kind: "request", id: "req_1", status: "failed" });
  expect(["", "1", "{}", `{"id":1}`, "null"].map((data) => parseEntry("request", data))).toEqual([undefined, undefined, undefined, undefined, undefined]);
});

test("a request that ran again is shown so", () => {
  expect(requestChanged(request, { kind: "request", id: "req_1", status: "processed", response_status: 200 })).toEqual({ ...request, status: "processed", answered: 200 });
  expect(requestChanged(request, { kind: "request", id: "req_1" })).toEqual(request);
});

test("an attempt changes its delivery, one that is late only its status", () => {
  const entry = (number: number) => ({ kind: "delivery" as const, id: "dlv_1", status: "delivered", attempt: { number, duration_ms: 7, http_status: 200, error_code: null } });
  expect(deliveryChanged(delivery, entry(3))).toEqual({ ...delivery, status: "delivered", attempts: 3, answered: "200", millis: 7 });
  expect(deliveryChanged(delivery, entry(1))).toEqual({ ...delivery, status: "delivered" });
  expect(deliveryChanged(delivery, { kind: "delivery", id: "dlv_1", status: "cancelled" })).toEqual({ ...delivery, status: "cancelled" });
});

test("a status is among those that are wanted, if some are", () => {
  expect([isAmong(undefined, "failed"), isAmong("failed,rejected", "failed"), isAmong("rejected", "failed"), isAmong("rejected", undefined)]).toEqual([true, true, false, true]);
});
