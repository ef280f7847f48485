/** An incoming webhook as it is. Apart from its page, so that it can be asked for while the page is loaded. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../api/client";

export function loadIncoming(id: string) {
  return answer(api.GET("/incoming-webhooks/{id}", { params: { path: { id } } }));
}

export function incomingQuery(id: string) {
  return queryOptions({ queryKey: ["incoming", id], queryFn: () => loadIncoming(id) });
}
