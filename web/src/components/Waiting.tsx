import { Skeleton, Stack } from "@mantine/core";
import { useTexts } from "../texts";

/** What stands there while something is loaded: as high as what comes, so that nothing jumps. */
export function Waiting({ lines = 4, height = 48 }: { lines?: number; height?: number }) {
  const t = useTexts();
  return (
    <Stack gap="xs" role="status" aria-label={t("loading")}>
      {Array.from({ length: lines }, (_, line) => <Skeleton key={line} height={height} />)}
    </Stack>
  );
}
