import { Paper, Stack, Text } from "@mantine/core";
import { LinkButton } from "../components/LinkButton";
import { Page } from "../components/Page";
import { useTexts } from "../texts";

/** For an address that no page has. */
export function NotFound() {
  const t = useTexts();
  return (
    <Page title={t("page_not_found")}>
      <Paper withBorder p="xl">
        <Stack align="flex-start">
          <Text>{t("page_not_found_advice")}</Text>
          <LinkButton to="/">{t("home")}</LinkButton>
        </Stack>
      </Paper>
    </Page>
  );
}
