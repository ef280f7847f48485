/** An outgoing webhook as it is, and changes of it. */
import { answer, api, ifUnchanged, type Schemas } from "../api/client";
import { useSaving } from "../components/saving";

export function loadOutgoing(id: string) {
  return answer(api.GET("/outgoing-webhooks/{id}", { params: { path: { id } } }));
}

/** Changes a webhook, and shows it as it is then. */
export function useChangeOutgoing(id: string) {
  return useSaving({
    queryKey: ["outgoing", id],
    load: () => loadOutgoing(id),
    save: (body: Schemas["OutgoingWebhookInputPatch"]) =>
      answer(api.PATCH("/outgoing-webhooks/{id}", { params: { path: { id } }, headers: ifUnchanged(`/outgoing-webhooks/${id}`), body })),
  });
}
