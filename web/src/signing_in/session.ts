/** Who is logged in. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { answer, api, remember, type Schemas } from "../api/client";
import { ApiProblem } from "../api/problem";
import { draftsAreOf, forgetDrafts } from "../components/drafts";
import { tellTrouble } from "../components/tell";

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
  remember(session);
  draftsAreOf(session.user.id);
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

/** Ends the session. The page is not loaded anew: a copy of it that the browser keeps would show with "back" what it showed. */
export function useLeave() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (from: "here" | "everywhere") => answer(from === "here" ? api.DELETE("/session") : api.DELETE("/sessions")),
    onSuccess: async () => {
      remember(undefined);
      forgetDrafts();
      client.setQueryData(sessionQuery.queryKey, null);
      await navigate({ to: "/log-in" });
      // Only now: a page that is still shown would ask again for what is forgotten.
      client.clear();
    },
    onError: tellTrouble,
  });
}
