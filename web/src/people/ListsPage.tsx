import { Group, Text, Textarea, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { DeleteRow } from "../components/DeleteRow";
import { EditNamed } from "../components/EditNamed";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { Moment } from "../components/small";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";

const KEY = ["lists"];
const NEW = { name: "", description: "" };

export function ListsPage() {
  const t = useTexts();
  const may = useMay();
  const form = (
    <NewNamed title={t("new_list")} label={t("name")} field="name" draftKey="lists/new" initial={NEW} queryKey={KEY} create={(body) => answer(api.POST("/lists", { body }))}>
      {({ description }, change) => <Textarea label={t("description")} autosize minRows={2} value={description} onChange={(event) => change({ description: event.currentTarget.value })} />}
    </NewNamed>
  );
  return (
    <Page title={t("lists")} about={t("lists_about")} actions={may("write") && form}>
      <Listing
        label={t("lists")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/lists", { params: { query: { cursor } } }))}
        rowKey={({ id }) => id}
        empty={{ title: t("lists_none"), advice: t("lists_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ name, description }) => <Named name={name} description={description} /> },
          { title: t("subscribers"), cell: ({ id, subscribers }) => <Link className="link" to="/subscribers" search={{ list: String(id) }} aria-label={t("n_subscribers", { n: subscribers })}>{subscribers}</Link> },
          { title: t("created"), cell: ({ created_at }) => <Moment at={created_at} /> },
          ...(may("write") ? [{ title: t("actions"), cell: (list: Schemas["List"]) => <Actions list={list} /> }] : []),
        ]}
      />
    </Page>
  );
}

/** A name, and below it what it is for. */
export function Named({ name, description }: { name: string; description?: string }) {
  return (
    <>
      <Text size="sm" fw={550} className="anywhere">{name}</Text>
      {description && <Text size="xs" c="dimmed" lineClamp={2}>{description}</Text>}
    </>
  );
}

function Actions({ list }: { list: Schemas["List"] }) {
  const t = useTexts();
  const { id, name } = list;
  const initial = { name, description: list.description };
  const params = { path: { id } };
  return (
    <Group gap="xs" wrap="nowrap">
      <EditNamed name={name} draftKey={`lists/${id}`} queryKey={KEY} initial={initial} save={(body) => answer(api.PATCH("/lists/{id}", { params, body }))}>
        {(value, change, error) => (
          <>
            <TextInput label={t("name")} required value={value.name} onChange={(event) => change({ name: event.currentTarget.value })} error={error instanceof ApiProblem && error.fields.name} />
            <Textarea label={t("description")} autosize minRows={2} value={value.description} onChange={(event) => change({ description: event.currentTarget.value })} />
          </>
        )}
      </EditNamed>
      <DeleteRow question={t("delete_list_question", { name })} queryKey={KEY} remove={() => answer(api.DELETE("/lists/{id}", { params }))} />
    </Group>
  );
}
