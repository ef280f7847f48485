import { Alert, Button, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { IconKey } from "@tabler/icons-react";
import { useTexts, type TextName } from "../texts";
import { Copyable } from "./small";

/** A secret that the server told just now, and will not tell again. */
export interface ToldOnce {
  label: TextName;
  value: string;
}

/**
 * Keeps what is told once until someone says that it is copied, also while other pages are looked at. For whoever makes the
 * secret; the page of what has it shows `CopyNow`. What is masked was told before.
 */
export function tellOnce(client: QueryClient, id: string, secrets: { label: TextName; value: string | null | undefined }[]) {
  const news = secrets.filter((secret): secret is ToldOnce => Boolean(secret.value) && !isMasked(secret.value));
  client.setQueryData<ToldOnce[]>(keyOf(id), (before = []) => [
    ...before.filter(({ label }) => !news.some((secret) => secret.label === label)),
    ...news,
  ]);
}

function keyOf(id: string) {
  return ["told-once", id];
}

/** The server shows a secret that it does not tell any more as dots and its last characters. */
export function isMasked(secret: string | null | undefined): boolean {
  return secret?.startsWith("•") ?? false;
}

function useToldOnce(id: string) {
  return useQuery<ToldOnce[]>({ queryKey: keyOf(id), queryFn: () => [], initialData: [], staleTime: Infinity, gcTime: Infinity });
}

/** What was told and not yet copied, by its label. */
export function useTold(id: string): (label: TextName) => string | undefined {
  const told = useToldOnce(id);
  return (label) => told.data.find((secret) => secret.label === label)?.value;
}

/** What must be copied now. Nothing, if nothing was told. */
export function CopyNow({ id }: { id: string }) {
  const t = useTexts();
  const client = useQueryClient();
  const told = useToldOnce(id);
  if (told.data.length === 0) return null;
  return (
    <Alert color="yellow" icon={<IconKey />} title={t("copy_now")} role="alert">
      <Stack gap="sm" align="stretch">
        <Text size="sm">{t("copy_now_about")}</Text>
        {told.data.map(({ label, value }) => (
          <div key={label}>
            <Text size="sm" fw={550} mb={4}>{t(label)}</Text>
            <Copyable value={value} label={t(label)} />
          </div>
        ))}
        <div><Button variant="default" onClick={() => client.setQueryData(keyOf(id), [])}>{t("copied_it")}</Button></div>
      </Stack>
    </Alert>
  );
}
