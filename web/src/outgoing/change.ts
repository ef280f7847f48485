import { answer, api, ifUnchanged, type Schemas } from "../api/client";
import { useSaving } from "../components/saving";
import { loadOutgoing, outgoingQuery } from "./query";

/** Changes a webhook, and shows it as it is then. */
export function useChangeOutgoing(id: string) {
  return useSaving({
    queryKey: outgoingQuery(id).queryKey,
    load: () => loadOutgoing(id),
    save: (body: Schemas["OutgoingWebhookInputPatch"]) =>
      answer(api.PATCH("/outgoing-webhooks/{id}", { params: { path: { id } }, headers: ifUnchanged(`/outgoing-webhooks/${id}`), body })),
  });
}
