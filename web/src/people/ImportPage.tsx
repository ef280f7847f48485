import { Alert, Anchor, Button, FileInput, Group, Paper, Progress, Stack, Table, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { IconFileTypeCsv } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { answer, api, BASE, type Schemas } from "../api/client";
import { same, useScratch } from "../components/drafts";
import { LinkButton } from "../components/LinkButton";
import { Page } from "../components/Page";
import { StatusBadge } from "../components/small";
import { tellTrouble } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { Waiting } from "../components/Waiting";
import { useTexts } from "../texts";
import { ImportColumns } from "./ImportColumns";
import { ImportOptions } from "./ImportOptions";
import { NO_OPTIONS, upload, type Options } from "./upload";

/** How often an import that goes on is asked for, in milliseconds. */
const REFRESH = 700;

/** Subscribers from a file: choose it, say what its columns are, see what would come of it, and watch it being done. */
export function ImportPage() {
  const t = useTexts();
  const { task } = useSearch({ from: "/inside/subscribers/import" });
  return (
    <Page needs="write" title={t("import_title")} about={t("import_about")}>
      <div><Link className="link" to="/subscribers" search={{}}>{t("subscribers")}</Link></div>
      {task ? <Going key={task} id={task} /> : <Choosing />}
    </Page>
  );
}

function Choosing() {
  const t = useTexts();
  const navigate = useNavigate();
  const [file, setFile] = useState<File | null>(null);
  // The browser keeps no files: what was chosen for one holds again once the same is chosen again.
  const draft = useScratch("subscribers/import", { of: NO_FILE, options: NO_OPTIONS });
  const { of, options } = draft.value;
  const change = (some: Partial<Options>) => draft.change({ options: { ...options, ...some } });
  const preview = useQuery({
    queryKey: ["import", "preview", file?.name, file?.size, file?.lastModified, options],
    queryFn: ({ signal }) => upload(file as File, options, signal),
    enabled: file !== null,
    placeholderData: (before) => before,
    retry: false,
  });
  const begin = useMutation({
    mutationFn: (chosen: File) => upload(chosen, { ...options, dry_run: false }),
    onSuccess: (begun) => {
      draft.reset();
      if ("id" in begun) void navigate({ to: "/subscribers/import", search: { task: begun.id } });
    },
    onError: tellTrouble,
  });
  const shown = preview.data && "columns" in preview.data ? preview.data : undefined;
  const choose = (chosen: File | null) => {
    setFile(chosen);
    if (chosen && !same(markOf(chosen), of)) draft.set({ of: markOf(chosen), options: { ...options, columns: [], delimiter: undefined } });
  };
  return (
    <Stack>
      <Paper withBorder p="lg">
        <FileInput
          label={t("import_file")} description={file || !of.name ? t("import_file_about") : t("import_choose_again", { name: of.name })} placeholder={t("import_choose")} accept=".csv,.tsv,.txt,text/csv"
          leftSection={<IconFileTypeCsv size={18} />} clearable clearButtonProps={{ "aria-label": t("clear") }} value={file} onChange={choose}
        />
      </Paper>
      {file && preview.isPending && <Waiting />}
      {file && preview.isError && <Trouble error={preview.error} retry={() => void preview.refetch()} />}
      {file && shown && (
        <>
          <ImportColumns columns={shown.columns} onChange={(columns) => change({ columns })} />
          <ImportOptions options={options} delimiter={shown.delimiter} onChange={change} />
          <Expected preview={shown} />
          <Group>
            <Button disabled={shown.added + shown.updated === 0 || preview.isFetching} loading={begin.isPending} onClick={() => begin.mutate(file)}>
              {t("import_begin", { n: shown.added + shown.updated })}
            </Button>
          </Group>
        </>
      )}
    </Stack>
  );
}

const NO_FILE = { name: "", size: 0, lastModified: 0 };

/** By what a file is known again. */
function markOf({ name, size, lastModified }: File): typeof NO_FILE {
  return { name, size, lastModified };
}

/** What would come of it. */
function Expected({ preview }: { preview: Schemas["ImportPreview"] }) {
  const t = useTexts();
  const { rows, added, updated, unchanged, refused, refusals } = preview;
  return (
    <Paper withBorder p="lg">
      <Title order={2} size="h4" mb="xs">{t("import_expected")}</Title>
      <Text size="sm" mb="sm" role="status">{t("import_counts", { rows, added, updated, unchanged, refused })}</Text>
      <Refusals refusals={refusals} refused={refused} />
    </Paper>
  );
}

function Refusals({ refusals, refused }: { refusals: Schemas["RefusedRow"][]; refused: number }) {
  const t = useTexts();
  if (refusals.length === 0) return null;
  return (
    <Stack gap="xs">
      <Table.ScrollContainer minWidth={320} scrollAreaProps={{ viewportProps: { tabIndex: 0, "aria-label": t("import_refused") } }}>
        <Table verticalSpacing={4} aria-label={t("import_refused")}>
          <Table.Thead><Table.Tr><Table.Th w={80}>{t("import_line")}</Table.Th><Table.Th>{t("import_reason")}</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {refusals.map(({ line, reason }) => <Table.Tr key={line}><Table.Td>{line}</Table.Td><Table.Td className="wrapping">{reason}</Table.Td></Table.Tr>)}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {refused > refusals.length && <Text size="sm" c="dimmed">{t("import_more_refused", { n: refused - refusals.length })}</Text>}
    </Stack>
  );
}

/** An import that goes on, or has ended. */
function Going({ id }: { id: string }) {
  const t = useTexts();
  const client = useQueryClient();
  const going = useQuery({
    queryKey: ["import", id],
    queryFn: () => answer(api.GET("/subscribers/import/{id}", { params: { path: { id } } })),
    refetchInterval: ({ state }) => (state.data && state.data.state !== "running" ? false : REFRESH),
  });
  const cancel = useMutation({
    mutationFn: () => answer(api.DELETE("/tasks/{id}", { params: { path: { id } } })),
    onError: tellTrouble,
    onSettled: () => client.invalidateQueries({ queryKey: ["import", id] }),
  });
  const rows = going.data?.done;
  // What other pages remember of before it is not what there is now.
  useEffect(() => {
    for (const key of ["subscribers", "lists", "tags"]) void client.invalidateQueries({ queryKey: [key] });
  }, [client, rows]);
  if (going.isPending) return <Waiting />;
  if (!going.data) return <Trouble error={going.error} retry={() => void going.refetch()} />;
  const { state, total, done, added, updated, refused, refusals, detail } = going.data;
  return (
    <Paper withBorder p="lg">
      <Stack>
        <Group justify="space-between">
          <Title order={2} size="h4">{t(state === "running" ? "import_going" : "import_ended")}</Title>
          <StatusBadge status={state} />
        </Group>
        <Progress value={total > 0 ? (done / total) * 100 : 100} aria-label={t("import_going")} animated={state === "running"} />
        <Text size="sm" role="status">{t("import_progress", { done, total, added, updated, refused })}</Text>
        {state === "running" && <Text size="sm" c="dimmed">{t("import_leave")}</Text>}
        {detail && <Alert color="yellow">{detail}</Alert>}
        <Refusals refusals={refusals} refused={refused} />
        <Group>
          {state === "running" && <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>{t("cancel")}</Button>}
          {state !== "running" && <LinkButton to="/subscribers">{t("import_see")}</LinkButton>}
          {refused > 0 && <Anchor size="sm" href={`${BASE}/subscribers/import/${id}/refused`} download>{t("import_download")}</Anchor>}
          {state !== "running" && <Link className="link" to="/subscribers/import" search={{}}>{t("import_another")}</Link>}
        </Group>
      </Stack>
    </Paper>
  );
}
