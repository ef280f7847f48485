/** Short messages in the corner. */
import { notifications } from "@mantine/notifications";
import { ApiProblem } from "../api/problem";
import { textNow } from "../texts";

export function tell(message: string) {
  notifications.show({ message, color: "teal" });
}

/** What went wrong where there is no place on the page to say it. */
export function tellTrouble(error: unknown) {
  const problem = error instanceof ApiProblem ? error : undefined;
  const { title, message } = problem?.isOffline
    ? { title: textNow("offline"), message: textNow("offline_advice") }
    : { title: problem?.title || textNow("went_wrong"), message: wordsOf(error) };
  notifications.show({ title, message, color: "red", autoClose: 10_000 });
}

function wordsOf(error: unknown): string {
  if (!(error instanceof ApiProblem)) return String(error);
  const fields = Object.entries(error.fields).map(([field, message]) => `${field}: ${message}`);
  return [error.detail, ...fields].filter(Boolean).join("\n");
}
