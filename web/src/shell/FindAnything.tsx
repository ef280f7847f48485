import { Group, Modal, ScrollArea, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedValue, useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconSearch } from "@tabler/icons-react";
import { useState, type KeyboardEvent } from "react";
import { Trouble } from "../components/Trouble";
import { useMay } from "../signing_in/may";
import { useTexts } from "../texts";
import { useStandsAbovePages } from "./arriving";
import { findStored, type Found } from "./find";
import { DEEDS, PLACES } from "./places";

/** How long after the last key is searched, in milliseconds. */
const CALM = 200;

/** It can be opened from within a dialog as well. */
const ABOVE_DIALOGS = 300;

interface FindAnythingProps {
  opened: boolean;
  open: () => void;
  close: () => void;
}

/** Pages, deeds, webhooks, people and entries of logs by what they are called, with Ctrl-K from everywhere. */
export function FindAnything({ opened, open, close }: FindAnythingProps) {
  const t = useTexts();
  useHotkeys([["mod+K", open]], [], true);
  useStandsAbovePages(opened);
  return (
    <Modal opened={opened} onClose={close} title={t("find")} zIndex={ABOVE_DIALOGS} closeButtonProps={{ "aria-label": t("close") }}>
      {opened && <Finder close={close} />}
    </Modal>
  );
}

function Finder({ close }: { close: () => void }) {
  const t = useTexts();
  const may = useMay();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const [wanted] = useDebouncedValue(typed.trim(), CALM);
  const stored = useQuery({ queryKey: ["find", wanted], queryFn: () => findStored(wanted, t), enabled: wanted !== "", placeholderData: (before) => before });
  const isCalled = ({ name }: Found) => name.toLowerCase().includes(typed.trim().toLowerCase());
  const places = PLACES.filter(({ scope }) => !scope || may(scope)).map(({ to, name }) => ({ href: to, name: t(name), kind: t("page") }));
  const deeds = may("write") ? DEEDS.map(({ to, name }) => ({ href: to, name: t(name), kind: t("deed") })) : [];
  const found = [...[...places, ...deeds].filter(isCalled), ...(wanted ? (stored.data ?? []) : [])];
  const at = Math.min(chosen, Math.max(0, found.length - 1));
  const go = (to: Found) => {
    close();
    void navigate({ href: to.href });
  };
  const press = (event: KeyboardEvent) => {
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: found.length - 1 }[event.key];
    if (next !== undefined && found.length > 0 && !(typed && ["Home", "End"].includes(event.key))) {
      event.preventDefault();
      const place = (next + found.length) % found.length;
      setChosen(place);
      document.getElementById(optionId(place))?.scrollIntoView({ block: "nearest" });
    }
    if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      go(found[at]);
    }
  };
  return (
    <>
      <TextInput
        role="combobox" aria-label={t("find")} aria-expanded={found.length > 0} aria-controls="found" aria-autocomplete="list" autoComplete="off"
        aria-activedescendant={found.length > 0 ? optionId(at) : undefined}
        placeholder={t("find_hint")} leftSection={<IconSearch size={16} />} data-autofocus mb="sm" value={typed} onKeyDown={press}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setChosen(0);
        }}
      />
      <ScrollArea.Autosize mah={360}>
        <div id="found" role="listbox" aria-label={t("find")}>
          {found.map((one, place) => (
            <UnstyledButton
              key={`${one.href} ${one.name}`} id={optionId(place)} role="option" aria-selected={place === at} tabIndex={-1} className="option"
              onClick={() => go(one)} onMouseMove={() => setChosen(place)}
            >
              <Group justify="space-between" wrap="nowrap" gap="sm">
                <span className="anywhere">{one.name}</span>
                <Text size="xs" c="dimmed" component="span">{one.kind}</Text>
              </Group>
            </UnstyledButton>
          ))}
        </div>
      </ScrollArea.Autosize>
      {stored.isError && <Trouble error={stored.error} retry={() => void stored.refetch()} />}
      {found.length === 0 && !stored.isFetching && <Text c="dimmed" size="sm" role="status">{t("found_nothing")}</Text>}
    </>
  );
}

const optionId = (place: number) => `found-${place}`;
