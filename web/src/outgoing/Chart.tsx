import { Group, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import type { ReactNode } from "react";
import { exactly } from "../components/moments";
import { useLanguage, useTexts } from "../texts";
import { labelled, ticks } from "./scale";

/** One thing that is drawn over time. */
export interface Series {
  name: string;
  /** Its colour, by a class of the style sheet. */
  tone: "good" | "bad" | "first" | "second";
  /** A value for each period; nothing where there is none. */
  values: (number | null)[];
}

interface ChartProps {
  title: string;
  /** When each period began. */
  times: string[];
  series: Series[];
  /** Bars one above the other, for what adds up; lines for what does not. */
  kind: "bars" | "lines";
  /** How a value is said. */
  say: (value: number) => string;
  /** Whether the periods are days. */
  daily: boolean;
}

const HEIGHT = 190;
const LEFT = 56;
const BOTTOM = 22;
const TOP = 8;
/** How wide a label of time is, with some room. */
const LABEL = 90;

/** A chart with its scales, what each colour means, and the same as a table for those who don't see it. */
export function Chart({ title, times, series, kind, say, daily }: ChartProps) {
  const t = useTexts();
  const language = useLanguage();
  const { ref, width } = useElementSize();
  const at = (index: number, long = false) => {
    const time = new Date(times[index] ?? 0);
    if (long) return exactly(times[index] ?? "", language);
    return daily ? time.toLocaleDateString(language, { day: "numeric", month: "short" }) : time.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  };
  return (
    <Paper withBorder p="lg">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h5">{title}</Title>
          <Group gap="md" aria-hidden>
            {series.map(({ name, tone }) => <Group key={tone} gap={6}><span className="key" data-tone={tone} /><Text size="sm">{name}</Text></Group>)}
          </Group>
        </Group>
        <div ref={ref}>
          {width > 0 && <Drawing width={width} label={summary(title, series, kind, say)} {...{ times, series, kind, say }} at={at} />}
        </div>
        <details>
          <summary>{t("as_table")}</summary>
          <Table.ScrollContainer minWidth={320} mah={260} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: "region", "aria-label": title } }}>
            <Table aria-label={title}>
              <Table.Thead><Table.Tr><Table.Th>{t("when")}</Table.Th>{series.map(({ name }) => <Table.Th key={name}>{name}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>
                {times.map((time, index) => (
                  <Table.Tr key={time}><Table.Td>{at(index, true)}</Table.Td>{series.map(({ name, values }) => <Table.Td key={name}>{said(values[index], say)}</Table.Td>)}</Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        </details>
      </Stack>
    </Paper>
  );
}

function said(value: number | null | undefined, say: (value: number) => string): string {
  return value === null || value === undefined ? "—" : say(value);
}

/** The chart in one sentence: sums of what adds up, the most of what does not. */
function summary(title: string, series: Series[], kind: ChartProps["kind"], say: ChartProps["say"]): string {
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const figure = kind === "bars" ? known.reduce((sum, value) => sum + value, 0) : Math.max(0, ...known);
    return `${name} ${say(figure)}`;
  });
  return `${title}: ${parts.join(", ")}`;
}

interface DrawingProps extends Pick<ChartProps, "times" | "series" | "kind" | "say"> {
  width: number;
  label: string;
  at: (index: number, long?: boolean) => string;
}

function Drawing({ width, label, times, series, kind, say, at }: DrawingProps) {
  const columns = times.map((_, index) => series.map(({ values }) => values[index] ?? 0));
  const most = Math.max(0, ...columns.map((values) => (kind === "bars" ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values))));
  const scale = ticks(most);
  const top = scale.at(-1) ?? 1;
  const step = (width - LEFT) / Math.max(1, times.length);
  const x = (index: number) => LEFT + index * step;
  const y = (value: number) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  return (
    <svg role="img" aria-label={label} width={width} height={HEIGHT} className="chart">
      {scale.map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 8} y={y(tick) + 4} textAnchor="end">{say(tick)}</text>
        </g>
      ))}
      {labelled(times.length, Math.max(2, Math.floor((width - LEFT) / LABEL))).map((index) => <text key={index} x={x(index)} y={HEIGHT - 4}>{at(index)}</text>)}
      {kind === "bars" ? <Bars {...{ series, columns, step, x, y }} /> : series.map((one) => <Line key={one.tone} series={one} x={(index) => x(index) + step / 2} y={y} />)}
      {times.map((time, index) => (
        <rect key={time} className="hover" x={x(index)} y={TOP} width={step} height={HEIGHT - TOP - BOTTOM}>
          <title>{[at(index, true), ...series.map(({ name, values }) => `${name} ${said(values[index], say)}`)].join("\n")}</title>
        </rect>
      ))}
    </svg>
  );
}

interface BarsProps {
  series: Series[];
  columns: number[][];
  step: number;
  x: (index: number) => number;
  y: (value: number) => number;
}

function Bars({ series, columns, step, x, y }: BarsProps): ReactNode {
  const gap = Math.min(3, step / 5);
  return columns.map((values, index) => {
    let below = 0;
    return values.map((value, which) => {
      const from = below;
      below += value;
      return value > 0 && <rect key={`${index}/${which}`} className={series[which]?.tone} x={x(index) + gap / 2} width={Math.max(1, step - gap)} y={y(below)} height={Math.max(1, y(from) - y(below))} />;
    });
  });
}

/** A line through what is known; what stands alone is a dot. */
function Line({ series, x, y }: { series: Series; x: (index: number) => number; y: (value: number) => number }) {
  const { values, tone } = series;
  const known = (index: number) => typeof values[index] === "number";
  const path = values.flatMap((value, index) => (value === null ? [] : [`${index > 0 && known(index - 1) ? "L" : "M"}${x(index)} ${y(value)}`])).join("");
  return (
    <g className="line" data-tone={tone}>
      <path d={path} />
      {values.map((value, index) => value !== null && <circle key={index} cx={x(index)} cy={y(value)} r={2.5} />)}
    </g>
  );
}
