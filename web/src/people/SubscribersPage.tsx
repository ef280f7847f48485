import { Button, Group, Modal, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { Listing } from "../components/Listing";
import { Page } from "../components/Page";
import { Moment, StatusBadge } from "../components/small";
import { useTexts, useWord } from "../texts";
import { STATUSES } from "./statuses";
import { inputOf, SubscriberForm, type SubscriberInput } from "./SubscriberForm";

const CALM = 300;

export function SubscribersPage() {
  const t = useTexts();
  const word = useWord();
  const navigate = useNavigate();
  const { q, status } = useSearch({ from: "/inside/subscribers" });
  const [typed, setTyped] = useState(q ?? "");
  const filter = (change: { q?: string; status?: string }) => void navigate({ to: "/subscribers", search: { q, status, ...change }, replace: true });
  const search = useDebouncedCallback((wanted: string) => filter({ q: wanted || undefined }), CALM);
  const known = STATUSES.find((name) => name === status);
  return (
    <Page title={t("subscribers")} about={t("subscribers_about")} actions={<NewSubscriber />}>
      <Group gap="xs">
        <TextInput
          aria-label={t("search")} placeholder={t("search")} leftSection={<IconSearch size={16} />} flex={1} miw={200} value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            search(event.currentTarget.value.trim());
          }}
        />
        <Select
          aria-label={t("status")} placeholder={t("any_status")} clearable clearButtonProps={{ "aria-label": t("clear") }} w={200}
          data={STATUSES.map((name) => ({ value: name, label: word("status", name) }))}
          value={known ?? null} onChange={(chosen) => filter({ status: chosen ?? undefined })}
        />
      </Group>
      <Listing
        label={t("subscribers")}
        queryKey={["subscribers", q, known]}
        load={(cursor) => answer(api.GET("/subscribers", { params: { query: { q, status: known, cursor } } }))}
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

function NewSubscriber() {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const create = useMutation({
    mutationFn: (body: SubscriberInput) => answer(api.POST("/subscribers", { body })),
    onSuccess: () => {
      close();
      void client.invalidateQueries({ queryKey: ["subscribers"] });
    },
  });
  return (
    <>
      <Button leftSection={<IconPlus size={16} />} onClick={open}>{t("new_subscriber")}</Button>
      <Modal opened={opened} onClose={close} title={t("new_subscriber")} closeButtonProps={{ "aria-label": t("close") }}>
        <Stack>
          <SubscriberForm initial={inputOf(undefined)} submit={t("create")} pending={create.isPending} error={create.error} onSubmit={(input) => create.mutate(input)} />
        </Stack>
      </Modal>
    </>
  );
}
