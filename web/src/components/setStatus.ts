/** Switching a webhook on, to pause or off. What was switched can be taken back. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { useTexts, useWord } from "../texts";
import { tellTrouble } from "./tell";
import { tellUndoable } from "./undo";

type Status = Schemas["WebhookStatus"];

interface Webhook {
  id: string;
  name: string;
  status: Status;
}

/** Of either side, by the name that its pages and its questions have. */
const SWITCHES = {
  incoming: (id: string, status: Status): Promise<object> => answer(api.PATCH("/incoming-webhooks/{id}", { params: { path: { id } }, body: { status } })),
  outgoing: (id: string, status: Status): Promise<object> => answer(api.PATCH("/outgoing-webhooks/{id}", { params: { path: { id } }, body: { status } })),
};

export function useSetStatus(side: keyof typeof SWITCHES, { id, name, status: before }: Webhook) {
  const t = useTexts();
  const word = useWord();
  const client = useQueryClient();
  const put = async (status: Status) => {
    client.setQueryData([side, id], await SWITCHES[side](id, status));
    await client.invalidateQueries({ queryKey: [side] });
  };
  return useMutation({
    mutationFn: put,
    onSuccess: (_, status) => status !== before && tellUndoable(t("status_is", { name, status: word("status", status) }), () => put(before)),
    onError: tellTrouble,
  });
}
