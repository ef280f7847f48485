import { QueryClient } from "@tanstack/react-query";
import { ApiProblem } from "./api/problem";

/** How often a question is asked again that nobody answered. What the server refused, it refuses again. */
const TRIES = 2;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, error) => count < TRIES && error instanceof ApiProblem && (error.isOffline || error.status >= 500),
      staleTime: 5_000,
    },
    mutations: { networkMode: "always" },
  },
});
