import { Box, Button, Group, Loader, Paper, Skeleton, Stack, Text, Title, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type ReactNode } from "react";
import { Moment } from "../components/small";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { rowsOf, type Row } from "./log";
import type { useLog } from "./useLog";

/** Every row is as high as every other, so that nothing moves when more come. In pixels. */
const ROW = 44;
/** Rows beyond what is seen that are there already. */
const SPARE = 12;
/** How near to the end the next page is asked for, in rows. */
const NEAR_END = 30;

export interface LogColumn<R> {
  title: string;
  /** Its share of the width, as CSS grid has it. */
  width: string;
  cell: (row: R) => ReactNode;
  /** Whether it is left out where there is little room. */
  wide?: boolean;
}

interface LogTableProps<R extends Row> {
  label: string;
  log: ReturnType<typeof useLog<R>>;
  columns: LogColumn<R>[];
  /** What the button that opens a row is called, beside its moment. */
  opening: (row: R) => string;
  onOpen: (row: R) => void;
  opened: string | undefined;
  empty: { title: string; advice: string };
}

/** A log of any length: only the rows that are seen are there. */
export function LogTable<R extends Row>({ log, empty, ...rest }: LogTableProps<R>) {
  const t = useTexts();
  const { query } = log;
  if (query.isPending) {
    return (
      <Stack gap="xs" role="status" aria-label={t("loading")}>
        {[1, 2, 3, 4, 5, 6].map((line) => <Skeleton key={line} height={ROW - 8} />)}
      </Stack>
    );
  }
  if (query.isLoadingError) return <Trouble error={query.error} retry={() => void query.refetch()} />;
  const rows = rowsOf(query.data?.pages ?? []);
  if (rows.length === 0) return <Nothing log={log} {...empty} />;
  return <Rows rows={rows} log={log} {...rest} />;
}

function Nothing<R extends Row>({ log, title, advice }: { log: ReturnType<typeof useLog<R>>; title: string; advice: string }) {
  return (
    <Paper withBorder p="xl">
      <Stack align="center" gap="xs" ta="center">
        <Title order={2} size="h4">{title}</Title>
        <Text c="dimmed" maw={480}>{advice}</Text>
        <End log={log} />
      </Stack>
    </Paper>
  );
}

function Rows<R extends Row>({ rows, log, label, columns, opening, onOpen, opened }: Omit<LogTableProps<R>, "empty"> & { rows: R[] }) {
  const t = useTexts();
  const place = useRef<HTMLDivElement>(null);
  const { query, waiting, show, setTop } = log;
  // eslint-disable-next-line react-hooks/incompatible-library -- no compiler memoizes this page
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: SPARE,
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, isError, fetchNextPage } = query;
  const wantsMore = last >= rows.length - NEAR_END && hasNextPage && !isFetchingNextPage && !isError && !endedEarly(log);
  useEffect(() => {
    if (wantsMore) void fetchNextPage();
  }, [wantsMore, fetchNextPage]);
  useEffect(() => {
    setTop(true);
  }, [setTop]);
  const toTop = () => {
    void show();
    place.current?.scrollTo({ top: 0 });
  };
  const template = columns.map(({ width }) => width).join(" ");
  const narrow = columns.filter(({ wide }) => !wide).map(({ width }) => width).join(" ");
  return (
    <Box className="log" style={{ "--log-columns": template, "--log-narrow": narrow }}>
      <div aria-live="polite">
        {waiting && (
          <Button className="newer" size="compact-sm" onClick={toTop}>
            {waiting.more ? t("newer_many") : waiting.rows.length === 1 ? t("newer_one") : t("newer", { n: waiting.rows.length })}
          </Button>
        )}
      </div>
      <div
        ref={place} className="logrows" tabIndex={0} role="region" aria-label={label} aria-busy={query.isPlaceholderData}
        onScroll={(event) => setTop(event.currentTarget.scrollTop < ROW)}
      >
        <div role="table" aria-label={label} aria-rowcount={hasNextPage ? -1 : rows.length + 1}>
          <div role="rowgroup" className="loghead">
            <div role="row" className="logrow" aria-rowindex={1}>
              {columns.map(({ title, wide }) => <div key={title} role="columnheader" data-wide={wide}>{title}</div>)}
            </div>
          </div>
          <div role="rowgroup" className="logbody" style={{ height: virtualizer.getTotalSize() }}>
            {items.map(({ key, index, start }) => {
              const row = rows[index];
              return row && (
                <div key={key} role="row" className="logrow" aria-rowindex={index + 2} data-opened={row.id === opened || undefined} style={{ transform: `translateY(${start}px)` }}>
                  {columns.map(({ title, cell, wide }, column) => (
                    <div key={title} role="cell" data-wide={wide}>
                      {column > 0 ? cell(row) : (
                        <UnstyledButton className="opens" onClick={() => onOpen(row)}><Moment at={row.at} /><VisuallyHidden> {opening(row)}</VisuallyHidden></UnstyledButton>
                      )}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
        <End log={log} />
      </div>
    </Box>
  );
}

function endedEarly<R extends Row>(log: ReturnType<typeof useLog<R>>): string | undefined {
  return log.query.data?.pages.at(-1)?.searchedUntil;
}

/** What is behind the last row: more, what was not searched yet, or nothing. */
function End<R extends Row>({ log }: { log: ReturnType<typeof useLog<R>> }) {
  const t = useTexts();
  const { query } = log;
  const searchedUntil = endedEarly(log);
  if (query.isFetchingNextPage) return <Group justify="center" p="sm" gap="xs"><Loader size="xs" aria-hidden /><Text size="sm">{t("loading")}</Text></Group>;
  if (query.isFetchNextPageError) return <Box p="sm"><Trouble error={query.error} retry={() => void query.fetchNextPage()} /></Box>;
  if (!query.hasNextPage) return null;
  return (
    <Group justify="center" p="sm" gap="sm">
      {searchedUntil && <Text size="sm" c="dimmed">{t("searched_until")} <Moment at={searchedUntil} /></Text>}
      <Button size="compact-sm" variant="default" onClick={() => void query.fetchNextPage()}>{searchedUntil ? t("search_further") : t("show_more")}</Button>
    </Group>
  );
}
