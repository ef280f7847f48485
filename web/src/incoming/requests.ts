/** What came in. */
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";

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
