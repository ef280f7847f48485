import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Trouble } from "./Trouble";
import { Waiting } from "./Waiting";

interface LoadedProps<T> {
  query: Pick<UseQueryResult<T>, "data" | "error" | "isError" | "isPending" | "refetch">;
  children: (data: T) => ReactNode;
}

/**
 * What was asked of the server. A later question that is not answered is said above what is there already, which stays:
 * someone may be typing in it.
 */
export function Loaded<T>({ query, children }: LoadedProps<T>) {
  const retry = () => void query.refetch();
  if (query.isPending) return <Waiting />;
  if (query.data === undefined) return <Trouble error={query.error} retry={retry} />;
  return (
    <>
      {query.isError && <Trouble error={query.error} retry={retry} />}
      {children(query.data)}
    </>
  );
}
