/** Replacing what the sender must know. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { tellOnce } from "../components/CopyNow";
import { tellTrouble } from "../components/tell";

export type Replaceable = "url" | "key" | "secret";

export interface Replacement {
  what: Replaceable;
  /** How long the one before stays good, in seconds. */
  grace_seconds: number;
  /** One that the sender made; without it, the server makes one. */
  secret?: string;
}

export function useReplacing(id: string) {
  const client = useQueryClient();
  const params = { path: { id } };
  return useMutation({
    mutationFn: ({ what, grace_seconds, secret }: Replacement) => {
      if (what === "url") return answer(api.POST("/incoming-webhooks/{id}/regenerate-token", { params, body: { grace_seconds } }));
      const body = secret ? { grace_seconds, secret } : { grace_seconds };
      if (what === "key") return answer(api.POST("/incoming-webhooks/{id}/rotate-api-key", { params, body }));
      return answer(api.POST("/incoming-webhooks/{id}/rotate-secret", { params, body }));
    },
    onSuccess: (changed, { what, secret }) => {
      client.setQueryData(["incoming", id], changed);
      if (what === "key") tellOnce(client, id, [{ label: "api_key", value: changed.api_key }]);
      // One that was typed is known.
      if (what === "secret" && !secret) tellOnce(client, id, [{ label: "signing_secret", value: changed.signature.secret }]);
    },
    onError: tellTrouble,
  });
}
