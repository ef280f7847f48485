import { Group, Paper, SegmentedControl, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";
import { Trouble } from "../components/Trouble";
import { exactly } from "../components/moments";
import { useLanguage, useTexts } from "../texts";
import { percent, useStats, WINDOWS, type Window } from "./stats";

export function StatsPanel({ id }: { id: string }) {
  const t = useTexts();
  const [window, setWindow] = useState<Window>("24h");
  const stats = useStats(id, window);
  if (stats.isError) return <Trouble error={stats.error} retry={() => void stats.refetch()} />;
  if (!stats.data) return null;
  const { delivered, failed, pending, retrying, success_rate, average_response_ms, p95_response_ms, series } = stats.data;
  const millis = (n: number | null | undefined) => (n === null || n === undefined ? "—" : t("milliseconds", { n }));
  return (
    <Stack>
      <Group>
        <SegmentedControl
          value={window} onChange={(chosen) => setWindow(chosen as Window)} aria-label={t("period")}
          data={WINDOWS.map((value) => ({ value, label: t(`window_${value}`) }))}
        />
      </Group>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Figure name={t("status_delivered")} value={delivered} />
        <Figure name={t("status_failed")} value={failed} />
        <Figure name={t("waiting")} value={pending + retrying} />
        <Figure name={t("success_rate")} value={percent(success_rate)} />
        <Figure name={t("average_time")} value={millis(average_response_ms)} />
        <Figure name={t("p95_time")} value={millis(p95_response_ms)} />
      </SimpleGrid>
      <Paper withBorder p="lg">
        <Stack gap="sm">
          <Title order={2} size="h5">{t("over_time")}</Title>
          <Bars series={series} />
        </Stack>
      </Paper>
    </Stack>
  );
}

export function Figure({ name, value }: { name: string; value: string | number }) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">{name}</Text>
      <Text size="xl" fw={650}>{value}</Text>
    </Paper>
  );
}

interface Period {
  at: string;
  delivered: number;
  failed: number;
}

const HEIGHT = 120;
const WIDTH = 10;

/** Delivered and failed, period by period, one above the other. */
export function Bars({ series }: { series: Period[] }) {
  const t = useTexts();
  const language = useLanguage();
  const most = Math.max(1, ...series.map(({ delivered, failed }) => delivered + failed));
  const total = (name: "delivered" | "failed") => series.reduce((sum, period) => sum + period[name], 0);
  return (
    <svg
      role="img" className="bars" viewBox={`0 0 ${Math.max(1, series.length) * WIDTH} ${HEIGHT}`} preserveAspectRatio="none"
      aria-label={t("bars_label", { delivered: total("delivered"), failed: total("failed") })}
    >
      {series.map(({ at, delivered, failed }, index) => {
        const good = (delivered / most) * HEIGHT;
        const bad = (failed / most) * HEIGHT;
        return (
          <g key={at}>
            <title>{`${exactly(at, language)}: ${t("status_delivered")} ${delivered}, ${t("status_failed")} ${failed}`}</title>
            <rect className="good" x={index * WIDTH + 1} y={HEIGHT - good} width={WIDTH - 2} height={good} />
            <rect className="bad" x={index * WIDTH + 1} y={HEIGHT - good - bad} width={WIDTH - 2} height={bad} />
          </g>
        );
      })}
    </svg>
  );
}
