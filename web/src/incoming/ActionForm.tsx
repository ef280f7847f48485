import { Button, Group, MultiSelect, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { EventTypeInput } from "../components/EventTypeInput";
import { JsonText } from "../components/JsonText";
import { NewNamed } from "../components/NewNamed";
import { ScriptInput } from "../components/ScriptInput";
import { useTexts, useWord } from "../texts";
import type { Action } from "./ActionsEditor";
import { CallFields } from "./CallFields";
import { useLists } from "./lists";
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
      <Group grow align="flex-start">
        <TextInput
          label={t("only_if")} description={t("only_if_about")} placeholder="data.plan == 'pro'"
          value={action.when ?? ""} onChange={(event) => onChange({ ...action, when: event.currentTarget.value || null })}
        />
        <Select
          label={t("on_error")} description={t("on_error_about")} allowDeselect={false} value={action.on_error ?? "stop"}
          onChange={(on_error) => onChange({ ...action, on_error: on_error as Action["on_error"] })}
          data={(["stop", "continue"] as const).map((value) => ({ value, label: t(`on_error_${value}`) }))}
        />
      </Group>
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
          <NewStatusInput value={action.status ?? null} onChange={(status) => onChange({ ...action, status })} />
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
      return (
        <>
          <EventTypeInput label={t("event")} value={action.event_type} onChange={(event_type) => onChange({ ...action, event_type })} />
          <JsonText
            label={t("event_data")} description={t("event_data_about")} placeholder='{"score": "{data.score}"}' strict value={action.data}
            onChange={(data) => onChange({ ...action, data: (data ?? null) as typeof action.data })}
          />
        </>
      );
    case "call_api":
      return <CallFields action={action} onChange={onChange} />;
    case "custom_code":
      return (
        <>
          <ScriptInput label={t("code")} description={t("code_about")} value={action.code} onChange={(code) => onChange({ ...action, code })} />
          <div><Button variant="default" size="xs" onClick={() => onChange({ ...action, code: EXAMPLE })}>{t("code_example")}</Button></div>
        </>
      );
  }
}

/** A script that shows what one can do. */
const EXAMPLE = `function handle(payload, context) {
  // context has mapped (the subscriber's fields), request and responses.
  if (!context.mapped.email.endsWith("@example.com")) {
    return { error: "not one of ours" };
  }
  payload.data.first_name = payload.data.first_name.trim();
  return {
    payload, // what the actions behind this one work on
    actions: [{ type: "apply_tag", tags: ["employee"] }],
  };
}
`;

function TagNames(props: { label: string; value: string[]; onChange: (tags: string[]) => void }) {
  const t = useTexts();
  const tags = useQuery({ queryKey: ["tags", "all"], queryFn: async () => (await answer(api.GET("/tags", { params: { query: { limit: 200 } } }))).data });
  return <TagsInput {...props} placeholder={t("tags_hint")} data={tags.data?.map(({ name }) => name) ?? []} />;
}

function ListsInput({ value, onChange }: { value: number[]; onChange: (lists: number[]) => void }) {
  const t = useTexts();
  return (
    <Group align="flex-end" gap="xs">
      <MultiSelect flex={1} miw={200} label={t("lists")} searchable data={useLists()} value={value.map(String)} onChange={(ids) => onChange(ids.map(Number))} />
      <NewList onCreated={(id) => onChange([...value, id])} />
    </Group>
  );
}

function ListInput({ value, onChange }: { value: number; onChange: (list: number) => void }) {
  const t = useTexts();
  return (
    <Group align="flex-end" gap="xs">
      <Select
        flex={1} miw={200} label={t("list")} required searchable allowDeselect={false} data={useLists()} value={value > 0 ? String(value) : null}
        onChange={(id) => id && onChange(Number(id))}
      />
      <NewList onCreated={onChange} />
    </Group>
  );
}

/** A list that there is not yet, made without leaving the action. Tags need none of this: a new one is made by naming it. */
const NEW_LIST = { name: "" };

function NewList({ onCreated }: { onCreated: (id: number) => void }) {
  const t = useTexts();
  return (
    <NewNamed
      title={t("new_list")} variant="default" label={t("name")} field="name" draftKey="actions/new-list" initial={NEW_LIST} queryKey={["lists"]}
      create={(body) => answer(api.POST("/lists", { body }))} onCreated={({ id }) => onCreated(id)}
    />
  );
}

function StatusInput({ value, onChange }: { value: (typeof STATUSES)[number]; onChange: (status: (typeof STATUSES)[number]) => void }) {
  const t = useTexts();
  const word = useWord();
  const data = STATUSES.map((status) => ({ value: status, label: word("status", status) }));
  return <Select label={t("status")} allowDeselect={false} data={data} value={value} onChange={(status) => status && onChange(status as (typeof STATUSES)[number])} />;
}

/** Without a choice it is what the payload says, or else `subscribed`. */
function NewStatusInput({ value, onChange }: { value: (typeof STATUSES)[number] | null; onChange: (status: (typeof STATUSES)[number] | null) => void }) {
  const t = useTexts();
  const word = useWord();
  const data = STATUSES.map((status) => ({ value: status, label: word("status", status) }));
  return (
    <Select
      label={t("status")} placeholder={t("as_payload_says")} clearable clearButtonProps={{ "aria-label": t("clear") }} data={data} value={value}
      onChange={(status) => onChange(status as (typeof STATUSES)[number] | null)}
    />
  );
}
