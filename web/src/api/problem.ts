/** What went wrong, in the server's words (RFC 9457), with the fields at fault. */
export class ApiProblem extends Error {
  constructor(
    /** The status of the answer; 0 if there was none. */
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly fields: Record<string, string>,
    /** The stable name of what went wrong; empty if the server gave none. */
    readonly code = "",
    options?: ErrorOptions,
  ) {
    super(detail || title, options);
  }

  get isOffline() {
    return this.status === 0;
  }
}

export function problemOf(response: Response | undefined, body: unknown, cause?: unknown): ApiProblem {
  if (!response) return new ApiProblem(0, "", "", {}, "", { cause });
  const problem = isRecord(body) ? body : {};
  return new ApiProblem(response.status, text(problem.title) || response.statusText, text(problem.detail), fieldsOf(problem.errors), codeOf(problem.type));
}

/** `/docs/errors#not-found` is `not-found`. */
function codeOf(type: unknown): string {
  return text(type).split("#")[1] ?? "";
}

function fieldsOf(errors: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const error of Array.isArray(errors) ? errors : []) {
    if (isRecord(error)) fields[text(error.field)] ??= text(error.message);
  }
  return fields;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
