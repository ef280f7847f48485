/** A sender that a user describes: what the form has fields for, and the rest as JSON. */
import type { Schemas } from "../api/client";
import { same } from "../components/drafts";

export type Description = Schemas["PresetDescription"];

/** What has no field of its own in the form. */
export type Rest = Omit<Description, "id" | "name" | "hint" | "documentation" | "scheme">;

/** All of them, as they are if nothing is said: a change names each, so that one that was taken out is gone. */
const NOTHING: Required<{ [Name in keyof Rest]: Rest[Name] | null }> = {
  event: [],
  dedupe: [],
  records: null,
  parse_json: [],
  mapping: [],
  handshakes: [],
  redact: [],
  samples: [],
  on_unprocessable: "refuse",
};

export function restOf(description: Partial<Description>): Rest {
  const names = Object.keys(NOTHING) as (keyof Rest)[];
  const said = names.filter((name) => description[name] !== undefined && !same(description[name], NOTHING[name]));
  return Object.fromEntries(said.map((name) => [name, description[name]]));
}

export function withoutGaps(rest: Rest) {
  return { ...NOTHING, ...rest };
}
