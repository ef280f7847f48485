import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { isOfOldVersion } from "./old_version";

/** For a page that could not be shown. */
export function Failed({ error, reset }: { error: unknown; reset: () => void }) {
  const t = useTexts();
  if (!isOfOldVersion(error)) return <Trouble error={error} retry={reset} />;
  return (
    <Alert color="blue" icon={<IconRefresh />} title={t("new_version")} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t("new_version_advice")}</Text>
        <Button size="xs" variant="default" onClick={() => location.reload()}>{t("reload")}</Button>
      </Stack>
    </Alert>
  );
}
