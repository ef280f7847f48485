import { Alert, Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import type { IncomingWebhook } from "./IncomingPage";
import { usePreset } from "./presets";
import { sampleFor } from "./sample";
import { tryOut, type HowSigned } from "./tryOut";

const WAYS: HowSigned[] = ["right", "wrong", "none"];

/** Sends a sample as the sender would, rightly signed, wrongly and not at all, to see that only the first is let in. */
export function SignatureTest({ webhook, saved }: { webhook: IncomingWebhook; saved: boolean }) {
  const t = useTexts();
  const client = useQueryClient();
  const sample = sampleFor(webhook, usePreset(webhook.preset));
  const test = useMutation({
    mutationFn: (how: HowSigned) => tryOut(webhook.id, sample, how),
    onSettled: () => client.invalidateQueries({ queryKey: ["incoming", webhook.id, "last"] }),
  });
  const isIn = test.data && test.data.status < 300;
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Title order={2} size="h4">{t("try_signature")}</Title>
        <Text size="sm" c="dimmed">{t("try_signature_about")}</Text>
        <Group>
          {WAYS.map((how) => (
            <Button key={how} variant="default" disabled={!saved} loading={test.isPending && test.variables === how} onClick={() => test.mutate(how)}>
              {t(`signed_${how}`)}
            </Button>
          ))}
        </Group>
        {!saved && <Text size="sm">{t("save_first")}</Text>}
        {test.isError && <Trouble error={test.error} />}
        {test.data && (
          <Alert color={isIn ? "teal" : "red"} title={isIn ? t("was_let_in") : t("was_refused")} role="status">
            {test.data.status} · {messageOf(test.data.body)}
          </Alert>
        )}
      </Stack>
    </Paper>
  );
}

function messageOf(body: unknown): string {
  if (typeof body === "object" && body !== null && "message" in body) return String(body.message);
  return typeof body === "string" ? body : JSON.stringify(body);
}
