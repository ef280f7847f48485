/** An outgoing webhook as it is. Apart from its page, so that it can be asked for while the page is loaded. */
import { queryOptions } from "@tanstack/react-query";
import { answer, api } from "../api/client";

export function loadOutgoing(id: string) {
  return answer(api.GET("/outgoing-webhooks/{id}", { params: { path: { id } } }));
}

export function outgoingQuery(id: string) {
  return queryOptions({ queryKey: ["outgoing", id], queryFn: () => loadOutgoing(id) });
}
