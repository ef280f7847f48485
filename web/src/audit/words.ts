/** Entries of the audit log, in words. */
import { useWord } from "../texts";
import type { AuditEntry } from "./auditRows";

/** What was done: `Outgoing webhook: changed`. */
export function useDeed(): (entry: Pick<AuditEntry, "target" | "verb">) => string {
  const word = useWord();
  return ({ target, verb }) => `${word("target", target.kind)}: ${word("verb", verb)}`;
}

/** Who did it: by name, or what they are if they have none. */
export function useWho(): (entry: Pick<AuditEntry, "actor">) => string {
  const word = useWord();
  return ({ actor }) => actor.name ?? actor.id ?? word("actor", actor.kind);
}
