import { Text } from "@mantine/core";
import { answer, api } from "../api/client";
import { DeleteRow } from "../components/DeleteRow";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { Moment } from "../components/small";
import { useTexts } from "../texts";

const KEY = ["lists"];

export function ListsPage() {
  const t = useTexts();
  const create = (name: string) => answer(api.POST("/lists", { body: { name } }));
  return (
    <Page title={t("lists")} about={t("lists_about")} actions={<NewNamed title={t("new_list")} label={t("name")} field="name" queryKey={KEY} create={create} />}>
      <Listing
        label={t("lists")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/lists", { params: { query: { cursor } } }))}
        rowKey={({ id }) => id}
        empty={{ title: t("lists_none"), advice: t("lists_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ name }) => <Text size="sm" fw={550}>{name}</Text> },
          { title: t("subscribers"), cell: ({ subscribers }) => subscribers },
          { title: t("created"), cell: ({ created_at }) => <Moment at={created_at} /> },
          { title: t("delete"), cell: ({ id, name }) => (
            <DeleteRow question={t("delete_list_question", { name })} queryKey={KEY} remove={() => answer(api.DELETE("/lists/{id}", { params: { path: { id } } }))} />
          ) },
        ]}
      />
    </Page>
  );
}
