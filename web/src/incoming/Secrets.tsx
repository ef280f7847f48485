import { Button, Group, Modal, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { Grace, GRACES } from "../components/Grace";
import { MayWrite } from "../components/MayWrite";
import { tell } from "../components/tell";
import { useTexts } from "../texts";
import type { IncomingWebhook } from "./IncomingPage";
import { useReplacing, type Replaceable } from "./replacing";

/** What the sender must know, and how it is replaced. */
export function Secrets({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const [asked, ask] = useState<Replaceable>();
  const { require_api_key, api_key, signature } = webhook;
  const signs = (signature.scheme ?? "none") !== "none";
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Title order={2} size="h4">{t("secrets")}</Title>
        <Text size="sm" c="dimmed">{t("secrets_about")}</Text>
        {require_api_key && api_key && <Hidden label={t("api_key")} value={api_key} />}
        {signs && signature.secret && <Hidden label={t("signing_secret")} value={signature.secret} />}
        <MayWrite><Group>
          <Button variant="default" onClick={() => ask("url")}>{t("new_url")}</Button>
          {require_api_key && <Button variant="default" onClick={() => ask("key")}>{t("new_key")}</Button>}
          {signs && <Button variant="default" onClick={() => ask("secret")}>{t("new_secret")}</Button>}
        </Group></MayWrite>
        <Modal opened={asked !== undefined} onClose={() => ask(undefined)} title={asked && t(`new_${asked}`)} closeButtonProps={{ "aria-label": t("close") }}>
          {asked && <Replace webhook={webhook} what={asked} close={() => ask(undefined)} />}
        </Modal>
      </Stack>
    </Paper>
  );
}

/** A secret that is not told any more. */
function Hidden({ label, value }: { label: string; value: string }) {
  return (
    <Group gap="xs">
      <Text size="sm" fw={550}>{label}</Text>
      <Text size="sm" c="dimmed" ff="monospace">{value}</Text>
    </Group>
  );
}

function Replace({ webhook, what, close }: { webhook: IncomingWebhook; what: Replaceable; close: () => void }) {
  const t = useTexts();
  const replace = useReplacing(webhook.id);
  const [grace_seconds, setGrace] = useState<number>(GRACES.day);
  const [secret, setSecret] = useState("");
  const { scheme } = webhook.signature;
  const isTheirs = what === "secret" && (scheme === "preset" || scheme === "custom");
  const done = () => {
    tell(t("replaced"));
    close();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        replace.mutate({ what, grace_seconds, secret: secret || undefined }, { onSuccess: done });
      }}
    >
      <Stack>
        <Text size="sm">{t("replace_question")}</Text>
        {what === "secret" && (
          <PasswordInput
            label={t("their_new_secret")} description={isTheirs ? undefined : t("their_new_secret_about")} required={isTheirs} minLength={8} autoComplete="off"
            visibilityToggleButtonProps={{ "aria-label": t("show_secret") }}
            value={secret} onChange={(event) => setSecret(event.currentTarget.value)}
          />
        )}
        <Grace value={grace_seconds} onChange={setGrace} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>{t("cancel")}</Button>
          <Button type="submit" loading={replace.isPending}>{t("replace")}</Button>
        </Group>
      </Stack>
    </form>
  );
}
