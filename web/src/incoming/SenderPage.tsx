import { Button, Group, Paper, Stack, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { answer, api } from "../api/client";
import { mergePatch } from "../api/mergePatch";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { JsonText } from "../components/JsonText";
import { Loaded } from "../components/Loaded";
import { Editable, MayWrite } from "../components/MayWrite";
import { Page } from "../components/Page";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { nameOf } from "../people/CustomFieldsPage";
import { useTexts } from "../texts";
import { CustomSchemeFields, NEW_SCHEME } from "./CustomSchemeFields";
import { restOf, withoutGaps, type Description, type Rest } from "./sender";

export function SenderPage() {
  const { id } = useParams({ from: "/inside/senders/$id" });
  const sender = useQuery({
    queryKey: ["presets", "one", id],
    queryFn: () => answer(api.GET("/presets/{id}", { params: { path: { id } } })),
  });
  return <Loaded query={sender}>{(saved) => <SenderForm key={id} saved={saved} />}</Loaded>;
}

export function NewSenderPage() {
  return <SenderForm />;
}

/** A sender as it is typed: JSON that isn't any yet is the text that it is. */
type Form = Description & { unread?: string };

const EMPTY: Form = { id: "", name: "" };

/** A sender in words: what it is called, how it signs, and how its payloads are to be read. */
function SenderForm({ saved }: { saved?: Description }) {
  const t = useTexts();
  const navigate = useNavigate();
  const client = useQueryClient();
  const draft = useDraft<Form>(`senders/${saved?.id ?? "new"}`, saved ?? EMPTY);
  const form = draft.value;
  const take = (rest: unknown) => {
    const { id, name, hint, documentation, scheme } = form;
    const isObject = rest === undefined || (typeof rest === "object" && rest !== null && !Array.isArray(rest));
    if (isObject) draft.set({ id, name, hint, documentation, scheme, ...(rest as Rest | undefined) });
    else draft.change({ unread: typeof rest === "string" ? rest : JSON.stringify(rest) });
  };
  const save = useMutation({
    mutationFn: () => {
      const { id: given, name, hint, documentation, scheme } = form;
      const id = given || nameOf(name);
      const rest = withoutGaps(restOf(form));
      const said = { name, hint: hint ?? "", documentation: documentation ?? [] };
      if (!saved) return answer(api.POST("/presets", { body: { ...said, ...restOf(form), id, scheme } }));
      return answer(api.PATCH("/presets/{id}", { params: { path: { id } }, body: { ...said, ...rest, scheme: mergePatch(saved.scheme, scheme ?? null) as typeof scheme } }));
    },
    onSuccess: () => {
      draft.reset();
      void client.invalidateQueries({ queryKey: ["presets"] });
      tell(t("saved"));
      void navigate({ to: "/senders" });
    },
  });
  const faults = save.error instanceof ApiProblem ? save.error.fields : {};
  return (
    <Page title={saved?.name ?? t("new_sender")} about={t("sender_form_about")}>
      <Paper withBorder p="lg" maw={820}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Editable><Stack>
            <DraftNotes draft={draft} />
            {save.isError && <Trouble error={save.error} />}
            <TextInput label={t("name")} required maxLength={500} value={form.name} onChange={(event) => draft.change({ name: event.currentTarget.value })} error={faults.name ?? faults.id} />
            <Textarea label={t("sender_hint")} description={t("sender_hint_about")} autosize minRows={2} value={form.hint ?? ""} onChange={(event) => draft.change({ hint: event.currentTarget.value })} error={faults.hint} />
            <TagsInput
              label={t("instructions")} description={t("instructions_about")} placeholder="https://" value={form.documentation ?? []}
              onChange={(documentation) => draft.change({ documentation })} error={faults.documentation ?? faults["documentation.0"]}
            />
            <Switch label={t("it_signs")} checked={Boolean(form.scheme)} onChange={(event) => draft.change({ scheme: event.currentTarget.checked ? NEW_SCHEME : undefined })} />
            {form.scheme && <CustomSchemeFields scheme={form.scheme} onChange={(scheme) => draft.change({ scheme })} faults={faults} prefix="scheme" />}
            <JsonText
              label={t("sender_rest")} description={t("sender_rest_about")} strict placeholder={EXAMPLE} value={form.unread ?? emptyAsNothing(restOf(form))}
              onChange={take}
            />
            <MayWrite says>
              <Group><Button type="submit" loading={save.isPending} disabled={!draft.dirty || form.unread !== undefined}>{t("save")}</Button></Group>
            </MayWrite>
          </Stack></Editable>
        </form>
      </Paper>
    </Page>
  );
}

const EXAMPLE = `{
  "event": ["body:type"],
  "dedupe": ["body:id"],
  "mapping": [{ "to": "email", "from": "customer.mail" }]
}`;

function emptyAsNothing(rest: Rest): Rest | undefined {
  return Object.keys(rest).length > 0 ? rest : undefined;
}
