import { Paper, SimpleGrid } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { answer, api, ifUnchanged, type Schemas } from "../api/client";
import { ConfirmButton } from "../components/ConfirmButton";
import { useDraft } from "../components/drafts";
import { Loaded } from "../components/Loaded";
import { Page } from "../components/Page";
import { saveUnlessChanged } from "../components/saving";
import { StatusBadge } from "../components/small";
import { tellTrouble } from "../components/tell";
import { tellUndoable } from "../components/undo";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { changesOf, inputOf, type SubscriberInput } from "./changes";
import { History } from "./History";
import { SubscriberForm } from "./SubscriberForm";

function load(id: number) {
  return answer(api.GET("/subscribers/{id}", { params: { path: { id } } }));
}

export function SubscriberPage() {
  const { id } = useParams({ from: "/inside/subscribers/$id" });
  const subscriber = useQuery({
    queryKey: ["subscriber", id],
    queryFn: () => load(Number(id)),
  });
  return <Loaded query={subscriber}>{(data) => <Shown key={id} subscriber={data} />}</Loaded>;
}

function Shown({ subscriber }: { subscriber: Schemas["Subscriber"] }) {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const client = useQueryClient();
  const draft = useDraft(`subscribers/${subscriber.id}`, inputOf(subscriber));
  const params = { path: { id: subscriber.id } };
  const queryKey = ["subscriber", String(subscriber.id)];
  const save = (body: Partial<SubscriberInput>) => answer(api.PATCH("/subscribers/{id}", { params, headers: ifUnchanged(`/subscribers/${subscriber.id}`), body }));
  const patch = async (body: Partial<SubscriberInput>) => {
    const after = await saveUnlessChanged(client, { queryKey, load: () => load(subscriber.id), save }, body);
    client.setQueryData(queryKey, after);
    void client.invalidateQueries({ queryKey: [...queryKey, "events"] });
    void client.invalidateQueries({ queryKey: ["subscribers"] });
    return after;
  };
  const change = useMutation({
    mutationFn: async (input: SubscriberInput) => {
      const before = inputOf(subscriber);
      const after = await patch(changesOf(before, input));
      return { before, after: inputOf(after) };
    },
    onSuccess: ({ before, after }) => {
      draft.reset();
      tellUndoable(t("saved"), () => patch(changesOf(after, withNulls(before, after))));
    },
  });
  const remove = useMutation({
    mutationFn: () => answer(api.DELETE("/subscribers/{id}", { params })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["subscribers"] });
      void navigate({ to: "/subscribers", search: {} });
    },
    onError: tellTrouble,
  });
  return (
    <Page
      title={subscriber.email}
      about={<StatusBadge status={subscriber.status} />}
      actions={may("write") && <ConfirmButton label={t("delete")} question={t("delete_subscriber_question", { name: subscriber.email })} onConfirm={() => remove.mutate()} />}
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <Paper withBorder p="lg">
          <SubscriberForm
            draft={draft} saved={inputOf(subscriber)} submit={t("save")} readOnly={!may("write")}
            pending={change.isPending} error={change.error} onSubmit={(input) => change.mutate(input)}
          />
        </Paper>
        <History id={subscriber.id} />
      </SimpleGrid>
    </Page>
  );
}

/** As it was before, with the custom fields named that came since, so that they go again. */
function withNulls(before: SubscriberInput, after: SubscriberInput): SubscriberInput {
  const gone = Object.fromEntries(Object.keys(after.custom_fields ?? {}).map((name) => [name, null]));
  return { ...before, custom_fields: { ...gone, ...before.custom_fields } };
}
