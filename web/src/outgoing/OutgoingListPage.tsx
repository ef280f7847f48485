import { Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconPlus } from "@tabler/icons-react";
import { answer, api } from "../api/client";
import { LinkButton } from "../components/LinkButton";
import { Listing } from "../components/Listing";
import { Page } from "../components/Page";
import { Moment, StatusBadge } from "../components/small";
import { useTexts } from "../texts";
import { percent, useStats } from "./stats";

export function OutgoingListPage() {
  const t = useTexts();
  const create = <LinkButton to="/outgoing/new" leftSection={<IconPlus size={16} />}>{t("new_outgoing")}</LinkButton>;
  return (
    <Page title={t("outgoing")} about={t("outgoing_about")} actions={create}>
      <Listing
        label={t("outgoing")}
        queryKey={["outgoing"]}
        load={(cursor) => answer(api.GET("/outgoing-webhooks", { params: { query: { cursor } } }))}
        rowKey={({ id }) => id}
        refresh={10_000}
        empty={{ title: t("outgoing_none"), advice: t("outgoing_none_advice"), action: create }}
        columns={[
          { title: t("name"), cell: ({ id, name, url }) => (
            <Stack gap={0} maw={360}>
              <Link className="link" to="/outgoing/$id" params={{ id }}>{name}</Link>
              <Text size="sm" c="dimmed" truncate>{url}</Text>
            </Stack>
          ) },
          { title: t("status"), cell: ({ status }) => <StatusBadge status={status} /> },
          { title: t("success_rate"), cell: ({ id }) => <Figure id={id} of="rate" /> },
          { title: t("average_time"), cell: ({ id }) => <Figure id={id} of="time" /> },
          { title: t("last_delivery"), cell: ({ id }) => <LastDelivery id={id} /> },
        ]}
      />
    </Page>
  );
}

function Figure({ id, of }: { id: string; of: "rate" | "time" }) {
  const t = useTexts();
  const { data } = useStats(id, "24h");
  if (!data) return null;
  if (of === "rate") return percent(data.success_rate);
  return data.average_response_ms === null || data.average_response_ms === undefined ? "—" : t("milliseconds", { n: data.average_response_ms });
}

function LastDelivery({ id }: { id: string }) {
  const { data } = useStats(id, "24h");
  if (!data?.last_delivery) return <Moment at={null} />;
  return (
    <Stack gap={4} align="flex-start">
      <StatusBadge status={data.last_delivery.status} />
      <Moment at={data.last_delivery.at} />
    </Stack>
  );
}
