/** Switching a webhook on, to pause or off. What was switched can be taken back. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { tellTrouble } from "../components/tell";
import { tellUndoable } from "../components/undo";
import { useTexts, useWord } from "../texts";
import type { OutgoingWebhook } from "./form";

type Status = OutgoingWebhook["status"];

export function useSetStatus({ id, name, status: before }: Pick<OutgoingWebhook, "id" | "name" | "status">) {
  const t = useTexts();
  const word = useWord();
  const client = useQueryClient();
  const put = async (status: Status) => {
    client.setQueryData(["outgoing", id], await answer(api.PATCH("/outgoing-webhooks/{id}", { params: { path: { id } }, body: { status } })));
    await client.invalidateQueries({ queryKey: ["outgoing"] });
  };
  return useMutation({
    mutationFn: put,
    onSuccess: (_, status) => status !== before && tellUndoable(t("status_is", { name, status: word("status", status) }), () => put(before)),
    onError: tellTrouble,
  });
}
