/** Sends a sample to a webhook as its sender would. The server signs it. */
import { answer, api } from "../api/client";
import type { Sample } from "./sample";

export type HowSigned = "right" | "wrong" | "none";

export function tryOut(id: string, sample: Sample, signature: HowSigned = "right") {
  return answer(
    api.POST("/incoming-webhooks/{id}/test", {
      params: { path: { id }, query: { signature } },
      headers: { ...sample.headers, "Content-Type": sample.contentType },
      // It goes as the sender sends it, which need not be JSON.
      body: sample.body as never,
      bodySerializer: (body: unknown) => body as string,
    }),
  );
}
