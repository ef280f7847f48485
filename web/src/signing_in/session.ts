/** Who is logged in. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api, rememberCsrfToken, type Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";

export type Session = Schemas["Session"];

/** The session, or null for someone who has to log in. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async (): Promise<Session | null> => {
    try {
      return remembered(await answer(api.GET("/session")));
    } catch (problem) {
      if (problem instanceof ApiProblem && (problem.status === 401 || problem.status === 404)) return null;
      throw problem;
    }
  },
  staleTime: Infinity,
});

export function remembered(session: Session): Session {
  rememberCsrfToken(session.csrf_token);
  return session;
}

/** Begins a session, and makes every page ask again with it. */
export function useEnter(enter: (input: { email: string; password: string; link: string }) => Promise<Session>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: enter,
    onSuccess: (session) => client.setQueryData(sessionQuery.queryKey, remembered(session)),
  });
}

export function useLeave() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (from: "here" | "everywhere") => answer(from === "here" ? api.DELETE("/session") : api.DELETE("/sessions")),
    onSuccess: () => {
      rememberCsrfToken("");
      client.clear();
      location.assign("/log-in");
    },
  });
}
