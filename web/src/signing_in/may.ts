/** What the person who is logged in may do: buttons for the rest are not shown. The server checks it in any case. */
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../api/client";
import { sessionQuery } from "./session";

export type Scope = "read" | "write" | "admin";

const SCOPES: Record<Schemas["Role"], Scope[]> = {
  viewer: ["read"],
  editor: ["read", "write"],
  owner: ["read", "write", "admin"],
};

export function useMay(): (scope: Scope) => boolean {
  const role = useQuery(sessionQuery).data?.user.role ?? "viewer";
  return (scope) => SCOPES[role].includes(scope);
}
