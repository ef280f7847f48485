import { Text } from "@mantine/core";
import { answer, api } from "../api/client";
import { DeleteRow } from "../components/DeleteRow";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { Moment } from "../components/small";
import { useTexts } from "../texts";

const KEY = ["tags"];

export function TagsPage() {
  const t = useTexts();
  const create = (name: string) => answer(api.POST("/tags", { body: { name } }));
  return (
    <Page title={t("tags")} about={t("tags_about")} actions={<NewNamed title={t("new_tag")} label={t("name")} field="name" queryKey={KEY} create={create} />}>
      <Listing
        label={t("tags")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/tags", { params: { query: { cursor } } }))}
        rowKey={({ name }) => name}
        empty={{ title: t("tags_none"), advice: t("tags_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ name }) => <Text size="sm" fw={550}>{name}</Text> },
          { title: t("subscribers"), cell: ({ subscribers }) => subscribers },
          { title: t("created"), cell: ({ created_at }) => <Moment at={created_at} /> },
          { title: t("delete"), cell: ({ name }) => (
            <DeleteRow question={t("delete_tag_question", { name })} queryKey={KEY} remove={() => answer(api.DELETE("/tags/{name}", { params: { path: { name } } }))} />
          ) },
        ]}
      />
    </Page>
  );
}
