/** Sending a file of subscribers to the API. */
import { answer, api, type Schemas } from "../api/client";

export interface Options {
  dry_run: boolean;
  /** What each column holds; empty as long as nobody has changed what was recognised. */
  columns: string[];
  delimiter?: Schemas["Delimiter"];
  status: Schemas["Status"];
  lists: string[];
  tags: string[];
  update_existing: boolean;
}

export const NO_OPTIONS: Options = { dry_run: true, columns: [], status: "subscribed", lists: [], tags: [], update_existing: false };

/** What stands for a column that nobody wants. */
export const UNWANTED = "-";

export function upload(file: File, { columns, lists, tags, ...rest }: Options, signal?: AbortSignal) {
  const some = (values: string[]) => (values.length > 0 ? values : undefined);
  const query = { ...rest, columns: some(columns), lists: some(lists), tags: some(tags) };
  return answer(
    api.POST("/subscribers/import", {
      params: { query },
      // As it is: the server knows its encoding.
      body: file as unknown as string,
      bodySerializer: (body) => body,
      querySerializer: { array: { style: "form", explode: false } },
      headers: { "Content-Type": "text/csv" },
      signal,
    }),
  );
}
