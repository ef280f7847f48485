import { Group, MultiSelect, Select, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { EventTypeInput } from "../components/EventTypeInput";
import { useTexts, useWord } from "../texts";
import type { Action } from "./ActionsEditor";
import { STATUSES } from "../people/statuses";

interface ActionFormProps {
  action: Action;
  onChange: (action: Action) => void;
}

/** The form of one action, and its condition. */
export function ActionForm({ action, onChange }: ActionFormProps) {
  const t = useTexts();
  return (
    <>
      <Fields action={action} onChange={onChange} />
      <TextInput
        label={t("only_if")} description={t("only_if_about")} placeholder="data.plan == 'pro'"
        value={action.when ?? ""} onChange={(event) => onChange({ ...action, when: event.currentTarget.value || null })}
      />
    </>
  );
}

function Fields({ action, onChange }: ActionFormProps) {
  const t = useTexts();
  switch (action.type) {
    case "add_subscriber":
      return (
        <>
          <ListsInput value={action.lists ?? []} onChange={(lists) => onChange({ ...action, lists })} />
          <TagNames label={t("tags")} value={action.tags ?? []} onChange={(tags) => onChange({ ...action, tags })} />
          <Switch label={t("update_existing")} checked={action.update_existing ?? false} onChange={(event) => onChange({ ...action, update_existing: event.currentTarget.checked })} />
        </>
      );
    case "update_subscriber":
      return (
        <>
          <TagNames label={t("add_tags")} value={action.add_tags ?? []} onChange={(add_tags) => onChange({ ...action, add_tags })} />
          <TagNames label={t("remove_tags")} value={action.remove_tags ?? []} onChange={(remove_tags) => onChange({ ...action, remove_tags })} />
          <Switch label={t("create_if_missing")} checked={action.create_if_missing ?? false} onChange={(event) => onChange({ ...action, create_if_missing: event.currentTarget.checked })} />
        </>
      );
    case "add_to_list":
      return <ListInput value={action.list_id} onChange={(list_id) => onChange({ ...action, list_id })} />;
    case "remove_from_list":
      return (
        <>
          <ListInput value={action.list_id} onChange={(list_id) => onChange({ ...action, list_id })} />
          <Switch label={t("unsubscribe_too")} checked={action.unsubscribe ?? false} onChange={(event) => onChange({ ...action, unsubscribe: event.currentTarget.checked })} />
        </>
      );
    case "apply_tag":
    case "remove_tag":
      return <TagNames label={t("tags")} value={action.tags} onChange={(tags) => onChange({ ...action, tags })} />;
    case "change_status":
      return <StatusInput value={action.status} onChange={(status) => onChange({ ...action, status })} />;
    case "publish_event":
      return <EventTypeInput label={t("event")} value={action.event_type} onChange={(event_type) => onChange({ ...action, event_type })} />;
    case "call_api":
      return (
        <Group align="flex-end" grow preventGrowOverflow={false}>
          <Select label={t("method")} w={120} allowDeselect={false} data={["GET", "POST", "PUT", "PATCH", "DELETE"]} value={action.method ?? "POST"} onChange={(method) => onChange({ ...action, method: method as typeof action.method })} />
          <TextInput label="URL" type="url" required placeholder="https://" value={action.url} onChange={(event) => onChange({ ...action, url: event.currentTarget.value })} />
        </Group>
      );
    case "custom_code":
      return <Textarea label={t("code")} description={t("code_about")} autosize minRows={6} ff="monospace" value={action.code} onChange={(event) => onChange({ ...action, code: event.currentTarget.value })} />;
  }
}

function TagNames(props: { label: string; value: string[]; onChange: (tags: string[]) => void }) {
  const t = useTexts();
  const tags = useQuery({ queryKey: ["tags", "all"], queryFn: async () => (await answer(api.GET("/tags", { params: { query: { limit: 200 } } }))).data });
  return <TagsInput {...props} placeholder={t("tags_hint")} data={tags.data?.map(({ name }) => name) ?? []} />;
}

function useLists() {
  const lists = useQuery({ queryKey: ["lists", "all"], queryFn: async () => (await answer(api.GET("/lists", { params: { query: { limit: 200 } } }))).data });
  return lists.data?.map(({ id, name }) => ({ value: String(id), label: name })) ?? [];
}

function ListsInput({ value, onChange }: { value: number[]; onChange: (lists: number[]) => void }) {
  const t = useTexts();
  return <MultiSelect label={t("lists")} searchable data={useLists()} value={value.map(String)} onChange={(ids) => onChange(ids.map(Number))} />;
}

function ListInput({ value, onChange }: { value: number; onChange: (list: number) => void }) {
  const t = useTexts();
  return <Select label={t("list")} required searchable allowDeselect={false} data={useLists()} value={String(value)} onChange={(id) => id && onChange(Number(id))} />;
}

function StatusInput({ value, onChange }: { value: (typeof STATUSES)[number]; onChange: (status: (typeof STATUSES)[number]) => void }) {
  const t = useTexts();
  const word = useWord();
  const data = STATUSES.map((status) => ({ value: status, label: word("status", status) }));
  return <Select label={t("status")} allowDeselect={false} data={data} value={value} onChange={(status) => status && onChange(status as (typeof STATUSES)[number])} />;
}
