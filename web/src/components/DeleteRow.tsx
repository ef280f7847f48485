import { useMutation, useQueryClient, type QueryKey } from "@tanstack/react-query";
import { useTexts } from "../texts";
import { ConfirmButton } from "./ConfirmButton";
import { tellTrouble } from "./tell";

interface DeleteRowProps {
  question: string;
  queryKey: QueryKey;
  remove: () => Promise<unknown>;
}

export function DeleteRow({ question, queryKey, remove }: DeleteRowProps) {
  const t = useTexts();
  const client = useQueryClient();
  const removal = useMutation({ mutationFn: remove, onError: tellTrouble, onSettled: () => client.invalidateQueries({ queryKey }) });
  return <ConfirmButton size="compact-sm" label={t("delete")} question={question} onConfirm={() => removal.mutate()} />;
}
