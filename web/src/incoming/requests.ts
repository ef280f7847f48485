/** What came in. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, api } from "../api/client";
import { usePreset } from "./presets";
import { payloadOf, sampleFor } from "./sample";

/** The last request of a webhook, or null. Asked for again while the page is looked at. */
export function useLastRequest(id: string, refetchInterval = 10_000) {
  return useQuery({
    queryKey: ["incoming", id, "last"],
    queryFn: async () => {
      const params = { path: { id }, query: { limit: 1 } };
      const page = await answer(api.GET("/incoming-webhooks/{id}/requests", { params }));
      return page.data[0] ?? null;
    },
    refetchInterval,
  });
}

/** A payload to work with: what came last, or else an example of the sender's, or of ours. */
export function useSamplePayload(webhook: { id: string; event_type: string; preset: string | null }) {
  const last = useLastRequest(webhook.id);
  const preset = usePreset(webhook.preset);
  const { event_type } = webhook;
  const ours = useMemo(() => payloadOf(sampleFor({ event_type }, preset)), [event_type, preset]);
  return { value: last.data?.payload ?? ours, isOurs: !last.data };
}
