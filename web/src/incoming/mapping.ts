/** What is connected with what: pure functions over a mapping's rules and a sample. */
import type { Schemas } from "../api/client";

export type Rule = Schemas["Rule"];

/** A value of a sample that is no object and no list, and the path that leads to it. */
export interface Leaf {
  path: string;
  value: string;
}

/** More than these are not shown: nobody connects the thousandth value of a payload. */
export const MAX_LEAVES = 300;

export function leavesOf(payload: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  collect(payload, "", leaves);
  return leaves;
}

function collect(value: unknown, path: string, leaves: Leaf[]) {
  if (leaves.length >= MAX_LEAVES) return;
  if (Array.isArray(value)) {
    value.forEach((item, index) => collect(item, `${path}[${index}]`, leaves));
    return;
  }
  if (typeof value === "object" && value !== null) {
    for (const [name, member] of Object.entries(value)) collect(member, path ? `${path}.${name}` : name, leaves);
    return;
  }
  if (path) leaves.push({ path, value: value === null ? "" : String(value) });
}

/** The rules with `to` taken from `from`. What else its rule says, such as filters, stays. */
export function connected(rules: Rule[], to: string, from: string): Rule[] {
  const before = rules.find((rule) => rule.to === to);
  if (!before) return [...rules, { to, from }];
  const kept: Rule = { ...before, from };
  delete kept.template;
  delete kept.value;
  return rules.map((rule) => (rule === before ? kept : rule));
}

export function disconnected(rules: Rule[], to: string): Rule[] {
  return rules.filter((rule) => rule.to !== to);
}

/** The rules with another transform for `to`, or with none. */
export function transformed(rules: Rule[], to: string, filter: string | null): Rule[] {
  return rules.map((rule) => (rule.to === to ? { ...rule, filters: filter ? [filter] : [] } : rule));
}

/** Names that senders give to what we call otherwise, without case and punctuation. */
const ALSO_CALLED: Record<string, string[]> = {
  email: ["email", "emailaddress", "mail", "contactemail", "useremail", "customeremail"],
  first_name: ["firstname", "givenname", "fname", "forename"],
  last_name: ["lastname", "familyname", "surname", "lname"],
  name: ["name", "fullname", "displayname"],
  phone: ["phone", "phonenumber", "mobile", "tel", "telephone"],
  company: ["company", "companyname", "organization", "organisation", "org"],
};

/** Rules for what is obvious: fields not connected yet, to values called like them. */
export function suggested(rules: Rule[], leaves: Leaf[], customFields: string[]): Rule[] {
  const names = { ...ALSO_CALLED };
  for (const field of customFields) names[`custom_field.${field}`] = [bare(field)];
  let suggestions = rules;
  for (const [to, calledSo] of Object.entries(names)) {
    if (rules.some((rule) => rule.to === to)) continue;
    const leaf = leaves.find(({ path }) => calledSo.includes(bare(lastName(path))));
    if (leaf) suggestions = [...suggestions, { to, from: leaf.path }];
  }
  // A full name would overwrite the parts that it is made of.
  const hasParts = suggestions.some(({ to }) => to === "first_name" || to === "last_name");
  return hasParts ? suggestions.filter((rule) => rule.to !== "name" || rules.includes(rule)) : suggestions;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}
