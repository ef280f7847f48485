/** The parts that the drawers of all logs have. */
import { Button, CopyButton, Drawer, Stack, Title, UnstyledButton } from "@mantine/core";
import { IconCheck, IconTerminal2 } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";
import { Trouble } from "../components/Trouble";
import { useTexts } from "../texts";
import { asCurl, type Sent } from "./curl";

interface EntryDrawerProps<T> {
  title: string;
  id: string | undefined;
  entry: UseQueryResult<T>;
  onClose: () => void;
  children: (entry: T) => ReactNode;
}

export function EntryDrawer<T>({ title, id, entry, onClose, children }: EntryDrawerProps<T>) {
  const t = useTexts();
  const place = useRef<HTMLDivElement>(null);
  const before = useRef(id);
  useEffect(() => {
    const isOther = id !== undefined && before.current !== undefined && id !== before.current;
    before.current = id;
    // What had the focus went with the entry that was shown, and Escape and Tab are heard only where the focus is.
    if (isOther) place.current?.querySelector<HTMLElement>("[role=dialog]")?.focus({ preventScroll: true });
  }, [id]);
  return (
    <Drawer
      ref={place} opened={id !== undefined} onClose={onClose} position="right" size="lg" title={title} closeButtonProps={{ "aria-label": t("close") }}
      // In a dialog above it, Escape closes that one alone.
      closeOnEscape={false} onKeyDown={({ key, currentTarget, target }) => key === "Escape" && currentTarget.contains(target as Node) && onClose()}
    >
      {entry.isError && <Trouble error={entry.error} retry={() => void entry.refetch()} />}
      {entry.data && children(entry.data)}
    </Drawer>
  );
}

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">{title}</Title>
      {children}
    </Stack>
  );
}

/** Facts by name; those without a value are left out. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== "").map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

/** Another entry of the same log, to be shown in place of this one. */
export function OtherEntry({ id, onOpen }: { id: string; onOpen: (id: string) => void }) {
  return <UnstyledButton className="link" fz="sm" onClick={() => onOpen(id)}><code>{id}</code></UnstyledButton>;
}

export function CopyCurl({ sent }: { sent: Sent }) {
  const t = useTexts();
  return (
    <CopyButton value={asCurl(sent)}>
      {({ copied, copy }) => (
        <Button size="xs" variant="default" leftSection={copied ? <IconCheck size={14} /> : <IconTerminal2 size={14} />} onClick={copy}>
          {copied ? t("copied") : t("copy_as_curl")}
        </Button>
      )}
    </CopyButton>
  );
}
