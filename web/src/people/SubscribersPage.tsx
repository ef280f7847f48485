import { Button, Menu, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { IconDownload, IconPlus, IconUpload } from "@tabler/icons-react";
import { answer, api, BASE } from "../api/client";
import { useDraft } from "../components/drafts";
import { LinkButton } from "../components/LinkButton";
import { Listing } from "../components/Listing";
import { Page } from "../components/Page";
import { Moment, StatusBadge } from "../components/small";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { inputOf, type SubscriberInput } from "./changes";
import { exportAddress, queryOf, type SubscriberSearch } from "./search";
import { SubscriberFilters } from "./SubscriberFilters";
import { SubscriberForm } from "./SubscriberForm";

export function SubscribersPage() {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const search = useSearch({ from: "/inside/subscribers" });
  const filter = (change: SubscriberSearch) => void navigate({ to: "/subscribers", search: (before) => ({ ...before, ...change }), replace: true });
  const actions = (
    <>
      <Export search={search} />
      {may("write") && <LinkButton to="/subscribers/import" variant="default" leftSection={<IconUpload size={16} />}>{t("import")}</LinkButton>}
      {may("write") && <NewSubscriber />}
    </>
  );
  return (
    <Page title={t("subscribers")} about={t("subscribers_about")} actions={actions}>
      <SubscriberFilters search={search} onChange={filter} />
      <Listing
        label={t("subscribers")}
        queryKey={["subscribers", search]}
        load={(cursor) => answer(api.GET("/subscribers", { params: { query: { ...queryOf(search), cursor } } }))}
        rowKey={({ id }) => id}
        empty={{ title: t("subscribers_none"), advice: t("subscribers_none_advice") }}
        columns={[
          { title: t("email"), cell: ({ id, email }) => <Link className="link" to="/subscribers/$id" params={{ id: String(id) }}>{email}</Link> },
          { title: t("name"), cell: ({ first_name, last_name }) => <Text size="sm">{[first_name, last_name].filter(Boolean).join(" ") || "—"}</Text> },
          { title: t("status"), cell: ({ status }) => <StatusBadge status={status} /> },
          { title: t("tags"), cell: ({ tags }) => <Text size="sm" lineClamp={1}>{tags.join(", ") || "—"}</Text> },
          { title: t("changed"), cell: ({ updated_at }) => <Moment at={updated_at} /> },
        ]}
      />
    </Page>
  );
}

/** The subscribers that are shown, as a file. */
function Export({ search }: { search: SubscriberSearch }) {
  const t = useTexts();
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button variant="default" leftSection={<IconDownload size={16} />}>{t("export_people")}</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" download href={exportAddress(BASE, search, "csv")}>{t("export_people_csv")}</Menu.Item>
        <Menu.Item component="a" download href={exportAddress(BASE, search, "ndjson")}>{t("export_people_ndjson")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function NewSubscriber() {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const draft = useDraft<SubscriberInput>("subscribers/new", inputOf(undefined));
  const create = useMutation({
    mutationFn: (body: SubscriberInput) => answer(api.POST("/subscribers", { body })),
    onSuccess: () => {
      draft.reset();
      close();
      void client.invalidateQueries({ queryKey: ["subscribers"] });
    },
  });
  return (
    <>
      <Button leftSection={<IconPlus size={16} />} onClick={open}>{t("new_subscriber")}</Button>
      <Modal opened={opened} onClose={close} size="lg" title={t("new_subscriber")} closeButtonProps={{ "aria-label": t("close") }}>
        <Stack>
          <SubscriberForm draft={draft} saved={inputOf(undefined)} submit={t("create")} pending={create.isPending} error={create.error} onSubmit={(input) => create.mutate(input)} />
        </Stack>
      </Modal>
    </>
  );
}
