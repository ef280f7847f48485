import { Group, Modal, NavLink, ScrollArea, Text, TextInput } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { answer, api } from "../api/client";
import { useTexts, type Translate } from "../texts";
import { PLACES } from "./places";

/** How many of each kind are shown. */
const EACH = 5;

interface Found {
  to: string;
  name: string;
  kind: string;
}

interface FindAnythingProps {
  opened: boolean;
  open: () => void;
  close: () => void;
}

/** Pages, webhooks and subscribers by what they are called, with Ctrl-K from everywhere. */
export function FindAnything({ opened, open, close }: FindAnythingProps) {
  const t = useTexts();
  const [typed, setTyped] = useState("");
  const [wanted] = useDebouncedValue(typed.trim(), 200);
  useHotkeys([["mod+K", open]], []);
  const stored = useQuery({
    queryKey: ["find", wanted],
    queryFn: () => findStored(wanted, t),
    enabled: opened && wanted !== "",
  });
  const places = PLACES.map(({ to, name }) => ({ to, name: t(name), kind: t("page") }));
  const matching = places.filter(({ name }) => name.toLowerCase().includes(typed.trim().toLowerCase()));
  const found = [...matching, ...(wanted ? (stored.data ?? []) : [])];
  const leave = () => {
    setTyped("");
    close();
  };
  return (
    <Modal opened={opened} onClose={leave} title={t("find")} closeButtonProps={{ "aria-label": t("close") }}>
      <TextInput
        aria-label={t("find")} placeholder={t("find_hint")} leftSection={<IconSearch size={16} />} data-autofocus mb="sm"
        value={typed} onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <ScrollArea.Autosize mah={360}>
        {found.map(({ to, name, kind }) => (
          <NavLink
            key={`${to} ${name}`} component={Link} to={to} onClick={leave}
            label={<Group justify="space-between"><span>{name}</span><Text size="xs" c="dimmed">{kind}</Text></Group>}
          />
        ))}
        {found.length === 0 && <Text c="dimmed" size="sm">{t("found_nothing")}</Text>}
      </ScrollArea.Autosize>
    </Modal>
  );
}

async function findStored(q: string, t: Translate): Promise<Found[]> {
  const params = { query: { q, limit: EACH } };
  const [incoming, outgoing, subscribers] = await Promise.all([
    answer(api.GET("/incoming-webhooks", { params })),
    answer(api.GET("/outgoing-webhooks", { params })),
    answer(api.GET("/subscribers", { params })),
  ]);
  return [
    ...incoming.data.map(({ id, name }) => ({ to: `/incoming/${id}`, name, kind: t("incoming") })),
    ...outgoing.data.map(({ id, name }) => ({ to: `/outgoing/${id}`, name, kind: t("outgoing") })),
    ...subscribers.data.map(({ id, email }) => ({ to: `/subscribers/${id}`, name: email, kind: t("subscribers") })),
  ];
}
