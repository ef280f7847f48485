import { Paper } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { answer, api } from "../api/client";
import { tellOnce } from "../components/CopyNow";
import { Page } from "../components/Page";
import { useTexts } from "../texts";
import type { OutgoingInput } from "./form";
import { OutgoingForm } from "./OutgoingForm";

export function NewOutgoingPage() {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: ({ input }: { input: OutgoingInput; done: () => void }) => answer(api.POST("/outgoing-webhooks", { body: input })),
    onSuccess: (webhook, { done }) => {
      // Before one leaves, so that nobody is asked whether to leave what was typed.
      done();
      tellOnce(client, webhook.id, [{ label: "signing_secret", value: webhook.signing.secret }]);
      void client.invalidateQueries({ queryKey: ["outgoing"] });
      void navigate({ to: "/outgoing/$id", params: { id: webhook.id }, search: { tab: "test" } });
    },
  });
  return (
    <Page needs="write" title={t("new_outgoing")} about={t("new_outgoing_about")}>
      <Paper withBorder p="lg" maw={760}>
        <OutgoingForm
          isNew draftKey="outgoing/new" initial={{ name: "", url: "", events: [] }} submit={t("create")} pending={create.isPending} error={create.error}
          onSubmit={(input, done) => create.mutate({ input, done })}
        />
      </Paper>
    </Page>
  );
}
