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

/** Where a rule takes its value from. */
export type Kind = "from" | "template" | "value";

export function kindOf(rule: Rule): Kind {
  if (rule.template !== undefined && rule.template !== null) return "template";
  return rule.value === undefined ? "from" : "value";
}

/** The rule with its value taken in another way. What is done with the value stays. */
export function ofKind(rule: Rule, kind: Kind): Rule {
  const kept: Rule = { ...rule };
  const { from, template } = kept;
  delete kept.from;
  delete kept.template;
  delete kept.value;
  if (kind === "from") return { ...kept, from: from ?? "" };
  if (kind === "template") return { ...kept, template: template ?? (from ? `{${from}}` : "") };
  return { ...kept, value: "" };
}

export function replaced(rules: Rule[], before: Rule, after: Rule): Rule[] {
  return rules.includes(before) ? rules.map((rule) => (rule === before ? after : rule)) : [...rules, after];
}

/** A filter and its argument: `phone('IT')`. */
export interface Filter {
  name: string;
  argument: string;
}

export function parseFilter(text: string): Filter {
  const call = /^(\w+)\(\s*(['"])(.*)\2\s*\)$/.exec(text.trim());
  return call ? { name: call[1] ?? "", argument: call[3] ?? "" } : { name: text.trim(), argument: "" };
}

/** Quotation marks have no place in an argument: none of our filters takes one. */
export function writeFilter({ name, argument }: Filter): string {
  return argument === "" ? name : `${name}('${argument.replace(/['"\\]/g, "")}')`;
}

/** A part of a sample: a value, or what holds some. */
export interface Branch {
  path: string;
  name: string;
  /** Of a value, as text. */
  value?: string;
  children: Branch[];
}

/** The sample as a tree, with at most `MAX_LEAVES` values. */
export function treeOf(payload: unknown): Branch[] {
  let left = MAX_LEAVES;
  const members = (value: object, path: string): Branch[] =>
    Object.entries(value).flatMap(([name, member]) => {
      if (left <= 0) return [];
      const own = Array.isArray(value) ? `[${name}]` : name;
      const at = Array.isArray(value) || path === "" ? `${path}${own}` : `${path}.${own}`;
      if (typeof member === "object" && member !== null) return [{ path: at, name: own, children: members(member, at) }];
      left -= 1;
      return [{ path: at, name: own, value: member === null ? "" : String(member), children: [] }];
    });
  return typeof payload === "object" && payload !== null ? members(payload, "") : [];
}

/** The values of a tree, in its order. */
export function leavesOf(tree: Branch[]): Leaf[] {
  return tree.flatMap(({ path, value, children }) => (value === undefined ? leavesOf(children) : [{ path, value }]));
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
