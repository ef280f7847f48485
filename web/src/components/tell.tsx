/** Short messages in the corner. */
import { notifications } from "@mantine/notifications";
import { ApiProblem } from "../api/problem";

export function tell(message: string) {
  notifications.show({ message, color: "teal" });
}

/** What went wrong where there is no place on the page to say it. */
export function tellTrouble(error: unknown) {
  const problem = error instanceof ApiProblem ? error : undefined;
  const fields = Object.entries(problem?.fields ?? {}).map(([field, message]) => `${field}: ${message}`);
  const message = [problem?.detail ?? String(error), ...fields].join("\n");
  notifications.show({ title: problem?.title, message, color: "red", autoClose: 10_000 });
}
