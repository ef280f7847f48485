import { Button, Group, Paper, PasswordInput, Select, SegmentedControl, Stack, Text, Title, useMantineColorScheme } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { Page } from "../components/Page";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useMay } from "../signing_in/may";
import { remembered, sessionQuery, useLeave } from "../signing_in/session";
import { chooseLanguage, LANGUAGES, useLanguage, useTexts, type Language } from "../texts";
import { ServerSettings } from "./ServerSettings";

export function SettingsPage() {
  const t = useTexts();
  const language = useLanguage();
  const leave = useLeave();
  const may = useMay();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Page title={t("settings")}>
      <Stack maw={640} gap="lg">
        <Paper withBorder p="lg">
          <Stack align="flex-start">
            <Title order={2} size="h4">{t("appearance")}</Title>
            <Select
              label={t("language")} allowDeselect={false} value={language} onChange={(code) => code && chooseLanguage(code as Language)}
              data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
            />
            <SegmentedControl
              aria-label={t("appearance")} value={colorScheme} onChange={(scheme) => setColorScheme(scheme as typeof colorScheme)}
              data={[{ value: "auto", label: t("as_system") }, { value: "light", label: t("light") }, { value: "dark", label: t("dark") }]}
            />
          </Stack>
        </Paper>
        <ChangePassword />
        <Paper withBorder p="lg">
          <Title order={2} size="h4" mb="xs">{t("sessions")}</Title>
          <Text size="sm" c="dimmed" mb="md">{t("sessions_about")}</Text>
          <Button variant="default" onClick={() => leave.mutate("everywhere")}>{t("log_out_everywhere")}</Button>
        </Paper>
        {may("admin") && <ServerSettings />}
        <Text size="sm"><a className="link" href="/docs">{t("api_reference")}</a></Text>
      </Stack>
    </Page>
  );
}

function ChangePassword() {
  const t = useTexts();
  const client = useQueryClient();
  const [current_password, setCurrent] = useState("");
  const [new_password, setNew] = useState("");
  const change = useMutation({
    mutationFn: () => answer(api.POST("/session/password", { body: { current_password, new_password } })),
    onSuccess: (session) => {
      client.setQueryData(sessionQuery.queryKey, remembered(session));
      setCurrent("");
      setNew("");
      tell(t("password_changed"));
    },
  });
  const fields = change.error instanceof ApiProblem ? change.error.fields : {};
  return (
    <Paper withBorder p="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack>
          <Title order={2} size="h4">{t("change_password")}</Title>
          {change.isError && <Trouble error={change.error} />}
          <PasswordInput label={t("current_password")} autoComplete="current-password" required value={current_password} onChange={(event) => setCurrent(event.currentTarget.value)} />
          <PasswordInput label={t("new_password")} description={t("password_rule")} autoComplete="new-password" required value={new_password} onChange={(event) => setNew(event.currentTarget.value)} error={fields.new_password} />
          <Group><Button type="submit" loading={change.isPending}>{t("change_password")}</Button></Group>
        </Stack>
      </form>
    </Paper>
  );
}
