import { Button, Group, Modal, Select, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { DeleteRow } from "../components/DeleteRow";
import { Listing } from "../components/Listing";
import { NewNamed } from "../components/NewNamed";
import { Page } from "../components/Page";
import { Copyable, Moment } from "../components/small";
import { tellTrouble } from "../components/tell";
import { useTexts } from "../texts";

const KEY = ["users"];
const ROLES = ["owner", "editor", "viewer"] as const satisfies Schemas["Role"][];
const NEW = { name: "", role: "editor" as Schemas["Role"] };

export function UsersPage() {
  const t = useTexts();
  const [link, setLink] = useState<string>();
  const invite = useMutation({
    mutationFn: (id: string) => answer(api.POST("/users/{id}/link", { params: { path: { id } } })),
    onSuccess: (made) => setLink(made.link),
    onError: tellTrouble,
  });
  const form = (
    <NewNamed
      title={t("new_user")} label={t("email")} type="email" field="email" draftKey="users/new" initial={NEW} queryKey={KEY}
      create={({ name: email, role }) => answer(api.POST("/users", { body: { email, role } }))} onCreated={({ id }) => invite.mutate(id)}
    >
      {({ role }, change) => <RoleSelect label={t("role")} value={role} onChange={(role) => change({ role })} />}
    </NewNamed>
  );
  return (
    <Page needs="admin" title={t("users")} about={t("users_about")} actions={form}>
      <Listing
        label={t("users")}
        queryKey={KEY}
        load={(cursor) => answer(api.GET("/users", { params: { query: { cursor } } }))}
        rowKey={({ id }) => id}
        empty={{ title: t("users_none"), advice: t("users_none_advice") }}
        columns={[
          { title: t("email"), cell: ({ email, has_password }) => (
            <><Text size="sm" fw={550}>{email}</Text>{!has_password && <Text size="xs" c="dimmed">{t("no_password_yet")}</Text>}</>
          ) },
          { title: t("role"), cell: (user) => <RoleOf user={user} /> },
          { title: t("created"), cell: ({ created_at }) => <Moment at={created_at} /> },
          { title: t("actions"), cell: ({ id, email }) => (
            <Group gap="xs" wrap="nowrap">
              <Button size="compact-sm" variant="default" onClick={() => invite.mutate(id)}>{t("password_link")}</Button>
              <DeleteRow question={t("delete_user_question", { name: email })} queryKey={KEY} remove={() => answer(api.DELETE("/users/{id}", { params: { path: { id } } }))} />
            </Group>
          ) },
        ]}
      />
      <Modal opened={link !== undefined} onClose={() => setLink(undefined)} title={t("password_link")} closeOnClickOutside={false} closeButtonProps={{ "aria-label": t("close") }}>
        <Text size="sm" mb="sm">{t("password_link_about")}</Text>
        {link && <Copyable value={link} label={t("password_link")} />}
      </Modal>
    </Page>
  );
}

function RoleOf({ user }: { user: Schemas["User"] }) {
  const t = useTexts();
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (role: Schemas["Role"]) => answer(api.PATCH("/users/{id}", { params: { path: { id: user.id } }, body: { role } })),
    onError: tellTrouble,
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  return <RoleSelect aria-label={t("role_of", { name: user.email })} size="xs" value={user.role} onChange={(role) => change.mutate(role)} />;
}

interface RoleSelectProps {
  label?: string;
  "aria-label"?: string;
  size?: string;
  value: Schemas["Role"];
  onChange: (role: Schemas["Role"]) => void;
}

function RoleSelect({ onChange, ...props }: RoleSelectProps) {
  const t = useTexts();
  const chosen = (value: string | null) => {
    const role = ROLES.find((name) => name === value);
    if (role) onChange(role);
  };
  return <Select {...props} allowDeselect={false} miw={140} data={ROLES.map((value) => ({ value, label: t(`role_${value}`) }))} onChange={chosen} />;
}
