/** Where in the text of a payload something is that the server names by its path and the character. */
import { jsonLanguage } from "@codemirror/lang-json";

export interface Range {
  from: number;
  to: number;
}

type Node = ReturnType<typeof jsonLanguage.parser.parse>["topNode"];

/** The place of a fault; all of the text if it can't be found any more, as when it was edited meanwhile. */
export function placeOf(text: string, field: string, message: string): Range {
  const all = { from: 0, to: text.length };
  const path = field === "payload" ? "" : field.startsWith("payload.") ? field.slice("payload.".length) : undefined;
  if (path === undefined) return all;
  const root = jsonLanguage.parser.parse(text).topNode.firstChild;
  const node = root && inside(text, root, path);
  if (!node) return all;
  const character = Number(/^at character (\d+)/.exec(message)?.[1]);
  return node.name === "String" && character > 0 ? within(text, node, character) : { from: node.from, to: node.to };
}

/** The node that a path leads to. A name may have dots itself, so every one that the path begins with is tried. */
function inside(text: string, node: Node, path: string): Node | undefined {
  if (path === "") return node;
  for (const [name, child] of children(text, node)) {
    const rest = path === name ? "" : path.startsWith(`${name}.`) ? path.slice(name.length + 1) : undefined;
    const found = rest === undefined ? undefined : inside(text, child, rest);
    if (found) return found;
  }
  return undefined;
}

function children(text: string, node: Node): [string, Node][] {
  const found: [string, Node][] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (node.name === "Array" && /^[A-Z]/.test(child.name)) found.push([String(found.length), child]);
    const key = node.name === "Object" && child.name === "Property" ? child.firstChild : null;
    const value = child.lastChild;
    if (!key || !value || key.name !== "PropertyName" || value.from === key.from) continue;
    found.push([nameOf(text.slice(key.from, key.to)), value]);
  }
  return found;
}

function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

/** From one character of a JSON string, counted from 1 as the server counts them, to the brace that closes what begins there. */
function within(text: string, { from, to }: Range, character: number): Range {
  let at = from + 1;
  for (let n = 1; n < character && at < to - 1; n += 1) at += width(text, at);
  const start = Math.min(at, to - 1);
  const open = text.lastIndexOf("{", start);
  const begin = open > from ? open : start;
  const close = text.indexOf("}", begin);
  return { from: begin, to: close > 0 && close < to ? close + 1 : to - 1 };
}

/** How much of the text one character of a JSON string takes: escapes and pairs of surrogates take more. */
function width(text: string, at: number): number {
  if (text[at] === "\\") return text[at + 1] === "u" ? 6 : 2;
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
