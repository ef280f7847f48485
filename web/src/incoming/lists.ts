/** The lists that subscribers can be on, for a choice. */
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";

export function useLists() {
  const lists = useQuery({
    queryKey: ["lists", "all"],
    queryFn: async () => (await answer(api.GET("/lists", { params: { query: { limit: 200 } } }))).data,
    staleTime: 60_000,
  });
  return lists.data?.map(({ id, name }) => ({ value: String(id), label: name })) ?? [];
}
