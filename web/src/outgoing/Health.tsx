import { Alert, Badge, Text } from "@mantine/core";
import { Moment } from "../components/small";
import { useTexts } from "../texts";
import type { OutgoingWebhook } from "./form";

const TONES = { healthy: "teal", failing: "red", open: "yellow", disabled: "gray" } as const;

/** How the destination does, in a word. The word is there because not everyone sees the colour. */
export function HealthBadge({ health }: Pick<OutgoingWebhook, "health">) {
  const t = useTexts();
  return (
    <Badge className="status" data-tone={TONES[health.state]} variant="default" tt="none" leftSection={<span className="dot" />}>
      {t(`health_${health.state}`)}
    </Badge>
  );
}

/** What is wrong with the destination, since when, and what becomes of it. Nothing, if it does well. */
export function HealthAlert({ health }: Pick<OutgoingWebhook, "health">) {
  const t = useTexts();
  if (health.state === "disabled") return <Alert color="red" title={t("disabled")}>{health.disabled_reason}</Alert>;
  if (health.state === "healthy") return null;
  return (
    <Alert color={health.state === "failing" ? "red" : "yellow"} title={t(`health_${health.state}_about`)}>
      <Text size="sm">
        {t("failed_in_a_row", { n: health.failed_attempts, what: health.last_error_code ?? health.last_http_status ?? "—" })} <Moment at={health.failing_since} />
      </Text>
      {health.next_probe_at && <Text size="sm">{t("next_probe")} <Moment at={health.next_probe_at} /></Text>}
      {health.disabled_at_the_earliest && <Text size="sm">{t("disabled_at")} <Moment at={health.disabled_at_the_earliest} /></Text>}
    </Alert>
  );
}
