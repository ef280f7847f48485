import { Alert, Group, Paper, SegmentedControl, SimpleGrid, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Loaded } from "../components/Loaded";
import { exactly } from "../components/moments";
import { Moment, StatusBadge } from "../components/small";
import { useLanguage, useTexts } from "../texts";
import { Chart } from "./Chart";
import { byStatus, percent, useStats, WINDOWS, type Stats, type Window } from "./stats";

export function StatsPanel({ id }: { id: string }) {
  const t = useTexts();
  const [window, setWindow] = useState<Window>("24h");
  const stats = useStats(id, window);
  return (
    <Stack>
      <Group>
        <SegmentedControl
          value={window} onChange={(chosen) => setWindow(chosen as Window)} aria-label={t("period")}
          data={WINDOWS.map((value) => ({ value, label: t(`window_${value}`) }))}
        />
      </Group>
      <Loaded query={stats}>{(stats) => <Shown stats={stats} daily={window !== "24h"} />}</Loaded>
    </Stack>
  );
}

function Shown({ stats, daily }: { stats: Stats; daily: boolean }) {
  const t = useTexts();
  const { series, last_delivery: last } = stats;
  const millis = (n: number | null | undefined) => (n === null || n === undefined ? "—" : t("milliseconds", { n }));
  const times = series.map(({ at }) => at);
  const classes = byStatus(stats);
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 3, md: 5 }}>
        <Figure name={t("total_events")} value={stats.total_events} />
        <Figure name={t("status_delivered")} value={stats.delivered} />
        <Figure name={t("status_failed")} value={stats.failed} />
        <Figure name={t("waiting")} value={stats.pending + stats.retrying} />
        <Figure name={t("success_rate")} value={percent(stats.success_rate)} />
        <Figure name={t("retry_attempts")} value={stats.retry_attempts} />
        <Figure name={t("average_time")} value={millis(stats.average_response_ms)} />
        <Figure name={t("p50_time")} value={millis(stats.p50_response_ms)} />
        <Figure name={t("p95_time")} value={millis(stats.p95_response_ms)} />
      </SimpleGrid>
      <Paper withBorder p="md">
        <Group gap="sm">
          <Text size="sm" c="dimmed">{t("last_delivery")}</Text>
          {last ? <><StatusBadge status={last.status} />{last.http_status && <Text size="sm">{last.http_status}</Text>}<Moment at={last.at} /></> : <Text size="sm">{t("never")}</Text>}
        </Group>
      </Paper>
      {stats.total_events === 0 && <Alert color="blue">{t("stats_none")}</Alert>}
      <Chart
        title={t("over_time")} times={times} kind="bars" daily={daily} say={String}
        series={[
          { name: t("status_delivered"), tone: "good", values: series.map(({ delivered }) => delivered) },
          { name: t("status_failed"), tone: "bad", values: series.map(({ failed }) => failed) },
        ]}
      />
      <Chart
        title={t("response_time")} times={times} kind="lines" daily={daily} say={(n) => t("milliseconds", { n })}
        series={[
          { name: t("p50_time"), tone: "first", values: series.map((period) => period.p50_response_ms) },
          { name: t("p95_time"), tone: "second", values: series.map((period) => period.p95_response_ms) },
        ]}
      />
      {classes.length > 0 && <ByStatus classes={classes} />}
    </>
  );
}

/** How the attempts were answered, each class with its share as a bar. */
function ByStatus({ classes }: { classes: [string, number][] }) {
  const t = useTexts();
  const all = classes.reduce((sum, [, attempts]) => sum + attempts, 0);
  return (
    <Paper withBorder p="lg">
      <Stack gap="xs">
        <Text component="h2" fw={650} m={0}>{t("by_status")}</Text>
        {classes.map(([name, attempts]) => (
          <div key={name} className="share">
            <Text size="sm">{name === "none" ? t("no_answer") : name}</Text>
            <progress className="tone" data-tone={name === "2xx" ? "good" : "bad"} max={Math.max(1, all)} value={attempts} aria-label={name === "none" ? t("no_answer") : name} />
            <Text size="sm" ta="end">{attempts}</Text>
          </div>
        ))}
      </Stack>
    </Paper>
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
