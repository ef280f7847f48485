import { Modal, Select, Text } from "@mantine/core";
import { useState } from "react";
import { answer, api } from "../api/client";
import { DeleteRow } from "../components/DeleteRow";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { Copyable, Moment } from "../components/small";
import { useTexts } from "../texts";

const KEY = ["api-keys"];
const SCOPES = ["read", "write", "admin"] as const;
const NEW = { name: "", scope: "write" as (typeof SCOPES)[number] };

export function ApiKeysPage() {
  const t = useTexts();
  const [made, setMade] = useState<string>();
  const form = (
    <NewNamed
      title={t("new_api_key")} label={t("name")} field="name" draftKey="api-keys/new" initial={NEW} queryKey={KEY}
      create={(body) => answer(api.POST("/api-keys", { body }))} onCreated={({ key }) => setMade(key)}
    >
      {({ scope }, change) => (
        <Select
          label={t("scope")} allowDeselect={false} value={scope} data={SCOPES.map((value) => ({ value, label: t(`scope_${value}`) }))}
          onChange={(chosen) => change({ scope: SCOPES.find((name) => name === chosen) })}
        />
      )}
    </NewNamed>
  );
  return (
    <Page needs="admin" title={t("api_keys")} about={t("api_keys_about")} actions={form}>
      <Listing
        label={t("api_keys")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/api-keys", { params: { query: { cursor } } }))}
        rowKey={({ id }) => id}
        empty={{ title: t("api_keys_none"), advice: t("api_keys_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ name }) => <Text size="sm" fw={550}>{name}</Text> },
          { title: t("api_key"), cell: ({ hint }) => <Text size="sm" ff="monospace">{hint}</Text> },
          { title: t("scope"), cell: ({ scope }) => t(`scope_${scope}`) },
          { title: t("created"), cell: ({ created_at }) => <Moment at={created_at} /> },
          { title: t("delete"), cell: ({ id, name }) => (
            <DeleteRow question={t("delete_api_key_question", { name })} queryKey={KEY} remove={() => answer(api.DELETE("/api-keys/{id}", { params: { path: { id } } }))} />
          ) },
        ]}
      />
      <Modal opened={made !== undefined} onClose={() => setMade(undefined)} title={t("new_api_key")} closeOnClickOutside={false} closeButtonProps={{ "aria-label": t("close") }}>
        <Text size="sm" mb="sm">{t("shown_once")}</Text>
        {made && <Copyable value={made} label={t("api_key")} />}
      </Modal>
    </Page>
  );
}
