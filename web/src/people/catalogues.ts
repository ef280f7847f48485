/** Lists, tags and custom fields by name, for whoever offers them. */
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";

/** The most that the API gives at once; more are found by typing where that is offered. */
const MOST = 200;

export function useLists() {
  return useQuery({ queryKey: ["lists", "all"], queryFn: async () => (await answer(api.GET("/lists", { params: { query: { limit: MOST } } }))).data });
}

export function useTags() {
  return useQuery({ queryKey: ["tags", "all"], queryFn: async () => (await answer(api.GET("/tags", { params: { query: { limit: MOST } } }))).data });
}

export function useCustomFields() {
  return useQuery({ queryKey: ["custom-fields", "all"], queryFn: async () => (await answer(api.GET("/custom-fields", { params: { query: { limit: MOST } } }))).data });
}

/** What a list is called; its number while that is not known, or if it is gone. */
export function listName(lists: Schemas["List"][] | undefined, id: number): string {
  return lists?.find((list) => list.id === id)?.name ?? `#${id}`;
}
