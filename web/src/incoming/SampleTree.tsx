import { Text, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState, type KeyboardEvent } from "react";
import type { Branch } from "./mapping";

/** What a dragged value of the sample is known by. */
export const DRAGGED = "application/x-ccsp-path";

interface SampleTreeProps {
  label: string;
  tree: Branch[];
  chosen: string | null;
  choose: (path: string | null) => void;
}

/** The sample: values to be clicked or dragged, in what holds them, which can be closed. Arrows go up and down in it. */
export function SampleTree({ label, tree, chosen, choose }: SampleTreeProps) {
  const walk = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    buttons[buttons.indexOf(event.target as HTMLButtonElement) + step]?.focus();
  };
  return (
    <nav aria-label={label} onKeyDown={walk} className="tree">
      <Branches tree={tree} chosen={chosen} choose={choose} />
    </nav>
  );
}

function Branches({ tree, chosen, choose }: Omit<SampleTreeProps, "label">) {
  return (
    <ul>
      {tree.map((branch) => (
        <li key={branch.path}>
          {branch.value === undefined ? (
            <Holder branch={branch} chosen={chosen} choose={choose} />
          ) : (
            <UnstyledButton
              className="leaf" draggable data-chosen={chosen === branch.path || undefined} aria-pressed={chosen === branch.path}
              aria-label={`${branch.path} ${branch.value}`}
              onClick={() => choose(chosen === branch.path ? null : branch.path)}
              onDragStart={(event) => event.dataTransfer.setData(DRAGGED, branch.path)}
            >
              <code>{branch.name}</code>
              <Text size="sm" c="dimmed" truncate>{branch.value}</Text>
            </UnstyledButton>
          )}
        </li>
      ))}
    </ul>
  );
}

function Holder({ branch, chosen, choose }: { branch: Branch; chosen: string | null; choose: (path: string | null) => void }) {
  const [open, setOpen] = useState(true);
  return (
    <>
      <UnstyledButton
        className="leaf" aria-expanded={open} aria-label={branch.path} onClick={() => setOpen(!open)}
        onKeyDown={({ key }) => {
          if (key === "ArrowRight") setOpen(true);
          if (key === "ArrowLeft") setOpen(false);
        }}
      >
        {open ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />}
        <code>{branch.name}</code>
        <Text size="sm" c="dimmed">{branch.children.length}</Text>
      </UnstyledButton>
      {open && <Branches tree={branch.children} chosen={chosen} choose={choose} />}
    </>
  );
}
