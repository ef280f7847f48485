/** The members of an object, as its JSON Schema says. */

export interface Member {
  name: string;
  type: string;
  required: boolean;
}

export function membersOf(schema: unknown): Member[] {
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).map(([name, member]) => ({ name, type: typeOf(member), required: required.includes(name) }));
}

function typeOf(member: unknown): string {
  if (!isObject(member)) return "";
  if (Array.isArray(member.enum)) return member.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (Array.isArray(member.type)) return member.type.join(" | ");
  return typeof member.type === "string" ? member.type : "";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
