import { Alert, Button, List, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconPlugConnectedX } from "@tabler/icons-react";
import { ApiProblem } from "../api/problem";
import { problemTitle, useTexts, useWord } from "../texts";

interface TroubleProps {
  error: unknown;
  retry?: () => void;
}

/** An error in words, with what to do. */
export function Trouble({ error, retry }: TroubleProps) {
  const t = useTexts();
  const word = useWord();
  const problem = error instanceof ApiProblem ? error : undefined;
  if (problem?.isOffline) {
    return (
      <Alert color="orange" icon={<IconPlugConnectedX />} title={t("offline")}>
        <Stack gap="xs" align="flex-start">
          <Text size="sm">{t("offline_advice")}</Text>
          {retry && <Button size="xs" variant="default" onClick={retry}>{t("try_again")}</Button>}
        </Stack>
      </Alert>
    );
  }
  // A fault of the whole has no field, and is the detail.
  const fields = Object.entries(problem?.fields ?? {}).filter(([field]) => field !== "");
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={problemTitle(word, problem) || t("went_wrong")} role="alert">
      <Stack gap="xs" align="flex-start">
        {/* Of fields, the detail says the same once more. */}
        {fields.length === 0 && <Text size="sm">{problem?.detail || String(error)}</Text>}
        {fields.length > 0 && (
          <List size="sm">
            {fields.map(([field, message]) => (
              <List.Item key={field}>
                <strong>{field}</strong>: {message}
              </List.Item>
            ))}
          </List>
        )}
        {retry && <Button size="xs" variant="default" onClick={retry}>{t("try_again")}</Button>}
      </Stack>
    </Alert>
  );
}
