import { Code, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import { Loaded } from "../components/Loaded";
import { sizeOf } from "../components/sizes";
import { useLanguage, useTexts, type Language, type TextName, type Translate } from "../texts";

type Settings = Schemas["Settings"];

interface Setting {
  name: TextName;
  /** What it is for, and when one changes it. */
  about: TextName;
  /** The option of `serve` that sets it. */
  option: string;
  value: (settings: Settings, t: Translate, language: Language) => string;
}

const yesOrNo = (on: boolean, t: Translate) => t(on ? "yes" : "no");
const several = (values: string[], t: Translate) => values.join(", ") || t("server_none");

/** In the order in which someone who sets up a server thinks of them. */
const SETTINGS: Setting[] = [
  { name: "server_public_url", about: "server_public_url_about", option: "--public-url", value: ({ public_url }) => public_url },
  { name: "server_database", about: "server_database_about", option: "--database-url", value: ({ database }, t) => t(`database_${database}`) },
  { name: "server_days", about: "server_days_about", option: "--log-retention-days", value: ({ log_retention: { days } }, t) => (days === null ? t("server_for_ever") : t("server_n_days", { n: days })) },
  { name: "server_entries", about: "server_entries_about", option: "--log-retention-entries", value: ({ log_retention: { entries } }, t, language) => entries?.toLocaleString(language) ?? t("server_all") },
  { name: "server_body", about: "server_body_about", option: "--max-body-bytes", value: ({ max_body_bytes }, _, language) => sizeOf(max_body_bytes, language) },
  { name: "server_private", about: "server_private_about", option: "--allow-private-destinations", value: ({ allow_private_destinations }, t) => several(allow_private_destinations, t) },
  { name: "server_proxies", about: "server_proxies_about", option: "--trusted-proxies", value: ({ trusted_proxies }, t) => several(trusted_proxies, t) },
  { name: "server_http", about: "server_http_about", option: "--allow-http", value: ({ allow_http }, t) => yesOrNo(allow_http, t) },
  { name: "server_metrics", about: "server_metrics_about", option: "--metrics-public", value: ({ metrics_public }, t) => yesOrNo(metrics_public, t) },
];

/** What the server was started with. It can be changed only there, so each setting says by which option. */
export function ServerSettings() {
  const t = useTexts();
  const language = useLanguage();
  const settings = useQuery({ queryKey: ["settings"], queryFn: () => answer(api.GET("/settings")) });
  return (
    <Paper withBorder p="lg">
      <Stack>
        <div>
          <Title order={2} size="h4">{t("server_settings")}</Title>
          <Text size="sm" c="dimmed">{t("server_settings_about")}</Text>
        </div>
        <Loaded query={settings}>
          {(settings) => (
            <>
              {SETTINGS.map(({ name, about, option, value }) => (
                <div key={name}>
                  <Group justify="space-between" gap="xs"><Text size="sm" fw={550}>{t(name)}</Text><Code>{option}</Code></Group>
                  <Text className="anywhere">{value(settings, t, language)}</Text>
                  <Text size="sm" c="dimmed">{t(about)}</Text>
                </div>
              ))}
              <Text size="sm" c="dimmed">{t("server_version", { version: settings.version })}</Text>
            </>
          )}
        </Loaded>
      </Stack>
    </Paper>
  );
}
