import { Button, Divider, Group, MultiSelect, Select, SimpleGrid, Stack, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import { ApiProblem } from "../api/problem";
import { DraftNotes } from "../components/DraftNotes";
import type { Draft } from "../components/drafts";
import { MayOnlyLook } from "../components/MayWrite";
import { Trouble } from "../components/Trouble";
import { useTexts, useWord } from "../texts";
import { listName, useCustomFields, useLists, useTags } from "./catalogues";
import { read, type SubscriberInput } from "./changes";
import { CustomFieldInput } from "./CustomFieldInput";
import { STATUSES } from "./statuses";

const TEXTS = ["first_name", "last_name", "phone", "company", "source"] as const;

interface SubscriberFormProps {
  draft: Draft<SubscriberInput>;
  /** What there is now. */
  saved: SubscriberInput;
  submit: string;
  pending: boolean;
  error: unknown;
  readOnly?: boolean;
  onSubmit: (input: SubscriberInput) => void;
}

/** All that can be changed of a subscriber; custom fields by what they were declared as. */
export function SubscriberForm({ draft, saved, submit, pending, error, readOnly, onSubmit }: SubscriberFormProps) {
  const t = useTexts();
  const word = useWord();
  const { value: form, change: set } = draft;
  const [faults, setFaults] = useState<string[]>([]);
  const lists = useLists();
  const tags = useTags();
  const declared = useCustomFields().data ?? [];
  const problems = error instanceof ApiProblem ? error.fields : {};
  const values: Record<string, unknown> = form.custom_fields ?? {};
  const undeclared = Object.keys(values).filter((name) => !declared.some((field) => field.name === name));
  const own = undeclared.map((name) => {
    const isText = typeof (saved.custom_fields as Record<string, unknown> | undefined)?.[name] === "string";
    return { name, label: name, description: "", type: isText ? ("text" as const) : ("json" as const), options: [] };
  });
  const fields = [...declared, ...own];
  const memberships = [...new Set([...(lists.data ?? []).map(({ id }) => id), ...(form.lists ?? [])])];
  const send = () => {
    const { input, faults } = read(form, fields.filter(({ type }) => type === "json").map(({ name }) => name));
    setFaults(faults);
    if (faults.length === 0) onSubmit(input);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <fieldset className="plain" disabled={readOnly}>
        <Stack>
          <DraftNotes draft={draft} />
          {Boolean(error) && <Trouble error={error} />}
          <TextInput label={t("email")} type="email" required value={form.email} onChange={(event) => set({ email: event.currentTarget.value })} error={problems.email} />
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            {TEXTS.map((name) => (
              <TextInput key={name} label={word("field", name)} value={form[name] ?? ""} onChange={(event) => set({ [name]: event.currentTarget.value || null })} error={problems[name]} />
            ))}
            <Select
              label={t("status")} allowDeselect={false} disabled={readOnly} value={form.status ?? null} data={STATUSES.map((name) => ({ value: name, label: word("status", name) }))}
              onChange={(name) => set({ status: STATUSES.find((status) => status === name) })}
            />
          </SimpleGrid>
          <MultiSelect
            label={t("lists")} searchable disabled={readOnly} placeholder={form.lists?.length ? undefined : t("lists_choose")}
            data={memberships.map((id) => ({ value: String(id), label: listName(lists.data, id) }))}
            value={(form.lists ?? []).map(String)} onChange={(ids) => set({ lists: ids.map(Number) })}
          />
          <TagsInput
            label={t("tags")} disabled={readOnly} placeholder={form.tags?.length ? undefined : t("tags_hint")} data={tags.data?.map(({ name }) => name) ?? []}
            value={form.tags ?? []} onChange={(tags) => set({ tags })}
          />
          {fields.length > 0 && <Divider label={t("custom_fields")} labelPosition="left" />}
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            {fields.map((field) => (
              <CustomFieldInput
                key={field.name} field={field} value={values[field.name]}
                onChange={(value) => set({ custom_fields: { ...values, [field.name]: value } })}
                error={faults.includes(field.name) ? t("not_json") : problems[`custom_fields.${field.name}`]}
              />
            ))}
          </SimpleGrid>
          {readOnly ? <MayOnlyLook /> : (
            <Group>
              <Button type="submit" loading={pending}>{submit}</Button>
              {draft.dirty && <Button variant="default" onClick={draft.reset}>{t("discard")}</Button>}
            </Group>
          )}
        </Stack>
      </fieldset>
    </form>
  );
}
