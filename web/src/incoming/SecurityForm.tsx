import { Button, Group, Paper, Select, Stack, Switch, TagsInput, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { ConfirmButton } from "../components/ConfirmButton";
import { tellOnce } from "../components/CopyNow";
import { Copyable } from "../components/small";
import { tell, tellTrouble } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { useChangeIncoming, type IncomingWebhook } from "./IncomingPage";

const SCHEMES = ["none", "hmac_sha256", "standard_webhooks", "basic"] as const;
/** How long the old secret stays good, in seconds: a day to tell the sender the new one. */
const GRACE_SECONDS = 86_400;

/** Who may send. */
export function SecurityForm({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const change = useChangeIncoming(webhook.id);
  const [require_api_key, setRequire] = useState(webhook.require_api_key);
  const [scheme, setScheme] = useState<string>(webhook.signature.scheme ?? "none");
  const [ip_allowlist, setAllowlist] = useState(webhook.ip_allowlist);
  const known = SCHEMES.find((name) => name === scheme);
  const schemes = [...new Set<string>([...SCHEMES, scheme])];
  const save = () =>
    change.mutate({ require_api_key, ip_allowlist, ...(known ? { signature: { ...webhook.signature, scheme: known } } : {}) });
  return (
    <Stack maw={820} gap="lg">
      <Paper withBorder p="lg">
        <Stack>
          {change.isError && <Trouble error={change.error} />}
          <Switch label={t("require_api_key")} description={t("require_api_key_about")} checked={require_api_key} onChange={(event) => setRequire(event.currentTarget.checked)} />
          <Select
            label={t("signature")} description={t("signature_about")} allowDeselect={false} value={scheme} onChange={(name) => name && setScheme(name)}
            data={schemes.map((name) => ({ value: name, label: schemeName(t, name) }))}
          />
          <TagsInput label={t("ip_allowlist")} description={t("ip_allowlist_about")} placeholder="203.0.113.0/24" value={ip_allowlist} onChange={setAllowlist} />
          <Group><Button onClick={save} loading={change.isPending}>{t("save")}</Button></Group>
        </Stack>
      </Paper>
      <Paper withBorder p="lg">
        <Stack>
          <Title order={2} size="h4">{t("secrets")}</Title>
          <Text size="sm" c="dimmed">{t("secrets_about")}</Text>
          {webhook.api_key && <Secret label={t("api_key")} value={webhook.api_key} />}
          {webhook.signature.secret && <Secret label={t("signing_secret")} value={webhook.signature.secret} />}
          <Replacing webhook={webhook} />
        </Stack>
      </Paper>
    </Stack>
  );
}

function Secret({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="sm" fw={550} mb={4}>{label}</Text>
      <Copyable value={value} label={label} />
    </div>
  );
}

function Replacing({ webhook }: { webhook: IncomingWebhook }) {
  const t = useTexts();
  const client = useQueryClient();
  const params = { path: { id: webhook.id } };
  const replace = useMutation({
    mutationFn: (what: "token" | "api_key" | "secret") => {
      const body = { grace_seconds: GRACE_SECONDS };
      if (what === "token") return answer(api.POST("/incoming-webhooks/{id}/regenerate-token", { params, body }));
      if (what === "api_key") return answer(api.POST("/incoming-webhooks/{id}/rotate-api-key", { params, body }));
      return answer(api.POST("/incoming-webhooks/{id}/rotate-secret", { params, body }));
    },
    onSuccess: (changed, what) => {
      client.setQueryData(["incoming", webhook.id], changed);
      if (what === "api_key") tellOnce(client, webhook.id, [{ label: "api_key", value: changed.api_key }]);
      if (what === "secret") tellOnce(client, webhook.id, [{ label: "signing_secret", value: changed.signature.secret }]);
      tell(t("replaced"));
    },
    onError: tellTrouble,
  });
  return (
    <Group>
      <ConfirmButton label={t("new_url")} question={t("replace_question")} onConfirm={() => replace.mutate("token")} />
      {webhook.api_key && <ConfirmButton label={t("new_key")} question={t("replace_question")} onConfirm={() => replace.mutate("api_key")} />}
      {webhook.signature.secret && <ConfirmButton label={t("new_secret")} question={t("replace_question")} onConfirm={() => replace.mutate("secret")} />}
    </Group>
  );
}

function schemeName(t: ReturnType<typeof useTexts>, scheme: string): string {
  const known = SCHEMES.find((name) => name === scheme);
  return known ? t(`scheme_${known}`) : scheme;
}
