import { useMutation, useQueryClient, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { ApiProblem } from "../api/problem";
import { useTexts } from "../texts";
import { same } from "./drafts";
import { tell } from "./tell";

/** The status of an answer to a change that is meant for another version. */
const CHANGED_MEANWHILE = 412;

interface SavingParams<T, B> {
  queryKey: QueryKey;
  load: () => Promise<T>;
  /** Sends the change, meant for what was read last (`ifUnchanged`). */
  save: (change: B) => Promise<T>;
}

/**
 * Saves some members of what has this key. If someone else changed it since it was read, it is read again: a change of other
 * members stands in nobody's way, one of the same is refused, and `DraftNotes` says so.
 */
export async function saveUnlessChanged<T extends object, B extends object>(client: QueryClient, { queryKey, load, save }: SavingParams<T, B>, change: B): Promise<T> {
  const before = client.getQueryData<T>(queryKey);
  try {
    return await save(change);
  } catch (problem) {
    if (!(problem instanceof ApiProblem) || problem.status !== CHANGED_MEANWHILE) throw problem;
    const now = await client.fetchQuery({ queryKey, queryFn: load, staleTime: 0 });
    if (!before || Object.keys(change).some((name) => !same(member(before, name), member(now, name)))) throw problem;
    return save(change);
  }
}

/** Saves, and shows what it is then. */
export function useSaving<T extends object, B extends object>(params: SavingParams<T, B>) {
  const t = useTexts();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: B) => saveUnlessChanged(client, params, change),
    onSuccess: (saved) => {
      client.setQueryData(params.queryKey, saved);
      tell(t("saved"));
    },
  });
}

/** Saves, and goes on then, also if the form is gone by then because another tab was chosen. What fails shows in the form. */
export function saveThen<B>(saving: { mutateAsync: (change: B) => Promise<unknown> }, change: B, then: () => void) {
  saving.mutateAsync(change).then(then, () => {});
}

function member(of: object, name: string): unknown {
  return (of as Record<string, unknown>)[name];
}
