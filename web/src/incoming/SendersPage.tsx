import { Anchor, Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { IconPlus } from "@tabler/icons-react";
import { answer, api } from "../api/client";
import { DeleteRow } from "../components/DeleteRow";
import { LinkButton } from "../components/LinkButton";
import { Listing } from "../components/Listing";
import { MayWrite } from "../components/MayWrite";
import { Page } from "../components/Page";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import type { Preset } from "./presets";

const KEY = ["presets", "all"];

/** The senders that are known: ours, and those that someone described here. */
export function SendersPage() {
  const t = useTexts();
  const may = useMay();
  const create = <MayWrite><LinkButton to="/senders/new" leftSection={<IconPlus size={16} />}>{t("new_sender")}</LinkButton></MayWrite>;
  return (
    <Page title={t("senders")} about={t("senders_about")} actions={create}>
      <Listing
        label={t("senders")}
        queryKey={KEY}
        load={async () => {
          const { data } = await answer(api.GET("/presets"));
          return { data: [...data].sort((a, b) => Number(b.own) - Number(a.own) || a.name.localeCompare(b.name)) };
        }}
        rowKey={({ id }) => id}
        empty={{ title: t("senders"), advice: t("senders_about"), action: create }}
        columns={[
          { title: t("name"), cell: (sender) => <Name sender={sender} /> },
          { title: t("signature"), cell: ({ signs }) => <Text size="sm">{signs ? t("it_signs") : "—"}</Text> },
          { title: t("instructions"), cell: ({ documentation }) => <Documentation urls={documentation} /> },
          ...(may("write") ? [{ title: t("actions"), cell: ({ id, name, own }: Preset) => own && (
            <DeleteRow question={t("delete_sender_question", { name })} queryKey={["presets"]} remove={() => answer(api.DELETE("/presets/{id}", { params: { path: { id } } }))} />
          ) }] : []),
        ]}
      />
    </Page>
  );
}

function Name({ sender: { id, name, own } }: { sender: Preset }) {
  if (!own) return <Text size="sm">{name}</Text>;
  return <Link className="link" to="/senders/$id" params={{ id }}>{name}</Link>;
}

function Documentation({ urls }: { urls: string[] }) {
  return (
    <Group gap="xs">
      {urls.slice(0, 1).map((url) => (
        <Anchor key={url} href={url} target="_blank" rel="noreferrer" size="sm" className="wrapping">{url}</Anchor>
      ))}
    </Group>
  );
}
