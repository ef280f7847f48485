import { expect, test } from "vitest";
import { TEMPLATES, toFillIn } from "./templates";

test.each(TEMPLATES.map((template) => [template.name, template] as const))("%s can be sent, once filled in", (_, { url, events, payload }) => {
  expect(new URL(url.replaceAll(/YOUR_[A-Z0-9_]+/g, "mine")).protocol).toBe("https:");
  expect(events.length).toBeGreaterThan(0);
  expect(JSON.stringify(payload)).toContain("{subscriber_email}");
});

test("each has a name of its own", () => {
  expect(new Set(TEMPLATES.map(({ name }) => name)).size).toBe(TEMPLATES.length);
});

test("what is to be filled in is found", () => {
  expect(toFillIn("https://YOUR_DOMAIN.my.salesforce.com/x")).toBe("YOUR_DOMAIN");
  expect(toFillIn("https://a.example/YOUR_ID/YOUR_TOKEN")).toBe("YOUR_ID");
  expect(toFillIn("https://a.example/your_id")).toBeUndefined();
});
