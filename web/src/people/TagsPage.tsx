import { Button, Group, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { answer, api, type Schemas } from "../api/client";
import { EditNamed } from "../components/EditNamed";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { Moment } from "../components/small";
import { tellTrouble } from "../components/tell";
import { tellUndoable } from "../components/undo";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { Named } from "./ListsPage";

const KEY = ["tags"];
const NEW = { name: "", description: "" };

export function TagsPage() {
  const t = useTexts();
  const may = useMay();
  const form = (
    <NewNamed title={t("new_tag")} label={t("name")} field="name" draftKey="tags/new" initial={NEW} queryKey={KEY} create={(body) => answer(api.POST("/tags", { body }))}>
      {({ description }, change) => <Textarea label={t("description")} autosize minRows={2} value={description} onChange={(event) => change({ description: event.currentTarget.value })} />}
    </NewNamed>
  );
  return (
    <Page title={t("tags")} about={t("tags_about")} actions={may("write") && form}>
      <Listing
        label={t("tags")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/tags", { params: { query: { cursor } } }))}
        rowKey={({ name }) => name}
        empty={{ title: t("tags_none"), advice: t("tags_none_advice") }}
        columns={[
          { title: t("name"), cell: ({ name, description }) => <Named name={name} description={description} /> },
          { title: t("subscribers"), cell: ({ name, subscribers }) => <Link className="link" to="/subscribers" search={{ tag: name }} aria-label={t("n_subscribers", { n: subscribers })}>{subscribers}</Link> },
          { title: t("created"), cell: ({ created_at }) => <Moment at={created_at} /> },
          ...(may("write") ? [{ title: t("actions"), cell: (tag: Schemas["Tag"]) => <Actions tag={tag} /> }] : []),
        ]}
      />
    </Page>
  );
}

function Actions({ tag }: { tag: Schemas["Tag"] }) {
  const t = useTexts();
  const client = useQueryClient();
  const { name } = tag;
  const initial = { description: tag.description };
  const params = { path: { name } };
  const refresh = () => client.invalidateQueries({ queryKey: KEY });
  // Only a tag that nobody has can be deleted: so it can be made again as it was.
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/tags/{name}", { params })),
    onSuccess: () => tellUndoable(t("deleted", { name }), () => answer(api.POST("/tags", { body: { name, description: tag.description } })).then(refresh)),
    onError: tellTrouble,
    onSettled: refresh,
  });
  return (
    <Group gap="xs" wrap="nowrap">
      <EditNamed name={name} draftKey={`tags/${name}`} queryKey={KEY} initial={initial} save={(body) => answer(api.PATCH("/tags/{name}", { params, body }))}>
        {({ description }, change) => <Textarea label={t("description")} autosize minRows={2} data-autofocus value={description} onChange={(event) => change({ description: event.currentTarget.value })} />}
      </EditNamed>
      <Button size="compact-sm" variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>{t("delete")}</Button>
    </Group>
  );
}
