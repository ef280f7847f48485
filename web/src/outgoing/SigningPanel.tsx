import { Button, Code, Group, Modal, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { tellOnce } from "../components/CopyNow";
import { Grace, GRACES } from "../components/Grace";
import { MayWrite } from "../components/MayWrite";
import { Copyable } from "../components/small";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import type { OutgoingWebhook } from "./form";

type Part = Schemas["SigningPart"];

/** What proves to the receiver that a request came from here, and how it is replaced. */
export function SigningPanel({ webhook }: { webhook: OutgoingWebhook }) {
  const t = useTexts();
  const [replacing, replace] = useState<Part | null>(null);
  return (
    <Paper withBorder p="lg">
      <Stack gap="sm">
        <Title order={2} size="h4">{t("signing_secret")}</Title>
        <Text size="sm" c="dimmed">{t("signing_secret_about")}</Text>
        <Group justify="space-between">
          {webhook.signing.secret && <Code>{webhook.signing.secret}</Code>}
          <MayWrite><Button variant="default" onClick={() => replace("secret")}>{t("replace_secret")}…</Button></MayWrite>
        </Group>
        {webhook.public_keys.length > 0 && (
          <>
            <Text fw={550} size="sm">{t("public_keys")}</Text>
            <Text size="sm" c="dimmed">{t("public_keys_about")}</Text>
            {webhook.public_keys.map((key) => <Copyable key={key} value={key} label={t("public_keys")} />)}
            <MayWrite><Group><Button variant="default" onClick={() => replace("private_key")}>{t("replace_private_key")}…</Button></Group></MayWrite>
          </>
        )}
      </Stack>
      {replacing && <Replacing webhookId={webhook.id} part={replacing} onClose={() => replace(null)} />}
    </Paper>
  );
}

function Replacing({ webhookId, part, onClose }: { webhookId: string; part: Part; onClose: () => void }) {
  const t = useTexts();
  const client = useQueryClient();
  const [grace, setGrace] = useState<number>(GRACES.day);
  const [own, setOwn] = useState("");
  const rotation = useMutation({
    mutationFn: () =>
      answer(api.POST("/outgoing-webhooks/{id}/rotate-secret", {
        params: { path: { id: webhookId } },
        body: { which: part, grace_seconds: grace, secret: own || undefined },
      })),
    onSuccess: ({ signing }) => {
      // Receivers need nothing of a private key but its public half, which is shown for good.
      if (part === "secret") tellOnce(client, webhookId, [{ label: "signing_secret", value: signing.secret }]);
      void client.invalidateQueries({ queryKey: ["outgoing", webhookId], exact: true });
      tell(grace > 0 ? t("old_signs_too") : t("old_is_void"));
      onClose();
      scrollTo({ top: 0 });
    },
  });
  const fields = rotation.error instanceof ApiProblem ? rotation.error.fields : {};
  const title = part === "secret" ? t("replace_secret") : t("replace_private_key");
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={{ "aria-label": t("close") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          rotation.mutate();
        }}
      >
        <Stack>
          <Text size="sm">{t("replace_secret_about")}</Text>
          {rotation.isError && <Trouble error={rotation.error} />}
          <Grace value={grace} onChange={setGrace} />
          <PasswordInput label={t("own_secret")} description={t("own_secret_about")} autoComplete="off" value={own} onChange={(event) => setOwn(event.currentTarget.value)} error={fields.secret} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{t("cancel")}</Button>
            <Button type="submit" loading={rotation.isPending}>{title}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
