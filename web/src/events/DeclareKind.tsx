import { Button, JsonInput, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import { useDraft } from "../components/drafts";
import { tell } from "../components/tell";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { objectOf } from "./object";

const NEW = { name: "", description: "", schema: "", example: "" };

/** A form for a kind of event of one's own. */
export function DeclareKind() {
  const t = useTexts();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const draft = useDraft("event-types/new", NEW);
  const { value: form, change: set } = draft;
  const schema = objectOf(form.schema);
  const example = objectOf(form.example);
  const declare = useMutation({
    mutationFn: () => answer(api.POST("/event-types", { body: { name: form.name.trim(), description: form.description, schema: schema.value, example: example.value } })),
    onSuccess: () => {
      draft.reset();
      close();
      tell(t("saved"));
      void client.invalidateQueries({ queryKey: ["event-types"] });
    },
  });
  const fields = declare.error instanceof ApiProblem ? declare.error.fields : {};
  return (
    <>
      <Button variant="default" onClick={open}>{t("declare_kind")}</Button>
      <Modal opened={opened} onClose={close} size="lg" title={t("declare_kind")} closeButtonProps={{ "aria-label": t("close") }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!schema.fault && !example.fault) declare.mutate();
          }}
        >
          <Stack>
            <Text size="sm" c="dimmed">{t("declare_kind_about")}</Text>
            <DraftNotes draft={draft} />
            {declare.isError && <Trouble error={declare.error} />}
            <TextInput label={t("kind_name")} description={t("kind_name_rule")} required data-autofocus value={form.name} onChange={(event) => set({ name: event.currentTarget.value })} error={fields.name} />
            <Textarea label={t("description")} autosize minRows={2} value={form.description} onChange={(event) => set({ description: event.currentTarget.value })} error={fields.description} />
            <JsonInput label={t("kind_schema")} autosize minRows={4} maxRows={12} value={form.schema} onChange={(schema) => set({ schema })} error={schema.fault ? t("not_json_object") : fields.schema} />
            <JsonInput label={t("example")} autosize minRows={3} maxRows={12} value={form.example} onChange={(example) => set({ example })} error={example.fault ? t("not_json_object") : fields.example} />
            <Button type="submit" loading={declare.isPending}>{t("declare_kind")}</Button>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
