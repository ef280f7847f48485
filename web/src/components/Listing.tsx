import { Button, Center, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useInfiniteQuery, type QueryKey } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTexts } from "../texts";
import { Loaded } from "./Loaded";

export interface Listed<T> {
  data: T[];
  next_cursor?: string | null;
}

export interface Column<T> {
  title: string;
  cell: (row: T) => ReactNode;
}

interface ListingProps<T> {
  label: string;
  queryKey: QueryKey;
  load: (cursor: string | undefined) => Promise<Listed<T>>;
  columns: Column<T>[];
  rowKey: (row: T) => string | number;
  /** What is said, and offered, where there is nothing yet. */
  empty: { title: string; advice: string; action?: ReactNode };
  /** Milliseconds after which it is asked for again; without, only when something was done. */
  refresh?: number;
}

/** A list of the API, page by page, with what is shown while it loads, if it can't, and if there is nothing. */
export function Listing<T>({ label, queryKey, load, columns, rowKey, empty, refresh }: ListingProps<T>) {
  const t = useTexts();
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: refresh ?? false,
  });
  return (
    <Stack gap="md">
      <Loaded query={query}>{({ pages }) => <Rows label={label} rows={pages.flatMap((page) => page.data)} columns={columns} rowKey={rowKey} empty={empty} />}</Loaded>
      {query.hasNextPage && (
        <Center>
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("show_more")}
          </Button>
        </Center>
      )}
    </Stack>
  );
}

function Rows<T>({ label, rows, columns, rowKey, empty }: Pick<ListingProps<T>, "label" | "columns" | "rowKey" | "empty"> & { rows: T[] }) {
  if (rows.length === 0) return <Nothing {...empty} />;
  return (
    <Paper withBorder>
      <Table.ScrollContainer minWidth={560} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": label } }}>
        <Table verticalSpacing="sm" horizontalSpacing="md" highlightOnHover aria-label={label}>
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ title }) => (
                <Table.Th key={title}>{title}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={rowKey(row)}>
                {columns.map(({ title, cell }) => (
                  <Table.Td key={title}>{cell(row)}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  );
}

function Nothing({ title, advice, action }: ListingProps<never>["empty"]) {
  return (
    <Paper withBorder p="xl">
      <Stack align="center" gap="xs" ta="center">
        <Title order={2} size="h4">{title}</Title>
        <Text c="dimmed" maw={480}>{advice}</Text>
        {action}
      </Stack>
    </Paper>
  );
}
