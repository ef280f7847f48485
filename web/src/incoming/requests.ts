/** What came in. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, api } from "../api/client";
import { useScratch } from "../components/drafts";
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

/** A sample that someone pasted in place of what came, for all that works on samples. */
export function usePasted(id: string) {
  const { value: pasted, set: paste } = useScratch<object | null>(`incoming/${id}/pasted`, null);
  return { pasted, paste };
}

/** A payload to work with: what was pasted, or came last, or else an example of the sender's, or of ours. */
export function useSamplePayload(webhook: { id: string; event_type: string; preset: string | null }) {
  const { pasted } = usePasted(webhook.id);
  const last = useLastRequest(webhook.id);
  const preset = usePreset(webhook.preset);
  const { event_type } = webhook;
  const ours = useMemo(() => payloadOf(sampleFor({ event_type }, preset)), [event_type, preset]);
  return { value: pasted ?? last.data?.payload ?? ours, isOurs: !pasted && !last.data };
}
