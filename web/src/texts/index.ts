/** Every text of the page, by language. A text is named by what it says where; `{name}` in it stands for a value. */
import { useSyncExternalStore } from "react";
import { en } from "./en";
import { it } from "./it";

export type TextName = keyof typeof en;
export type Texts = Record<TextName, string>;
export type Translate = (name: TextName, values?: Record<string, string | number>) => string;

export const LANGUAGES = { en: "English", it: "Italiano" } as const;
export type Language = keyof typeof LANGUAGES;

const CATALOGUES: Record<Language, Texts> = { en, it };
const STORED = "ccsp-language";
const listeners = new Set<() => void>();

let language: Language = preferred();

export function fill(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}

export function chooseLanguage(chosen: Language) {
  language = chosen;
  localStorage.setItem(STORED, chosen);
  document.documentElement.lang = chosen;
  listeners.forEach((listener) => listener());
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, () => language);
}

/** A text as it is now, for what is said once and not shown again in another language. */
export function textNow(name: TextName): string {
  return CATALOGUES[language][name];
}

/** The translation into the chosen language. Whoever uses it is shown again when another one is chosen. */
export function useTexts(): Translate {
  const catalogue = CATALOGUES[useLanguage()];
  return (name, values) => fill(catalogue[name], values);
}

/** What the server names by one word. */
export type WordGroup = "status" | "action" | "scope" | "role" | "field" | "problem" | "event_kind" | "task" | "tests" | "actor" | "target" | "verb";

/** The text named by what the server calls something, or that itself if it is new to this page. */
export function useWord(): (group: WordGroup, word: string) => string {
  const catalogue: Record<string, string> = CATALOGUES[useLanguage()];
  return (group, word) => catalogue[`${group}_${word}`] ?? word;
}

/** The title of a problem in the chosen language by its code, or the server's own. */
export function problemTitle(word: ReturnType<typeof useWord>, problem: { code: string; title: string } | undefined): string {
  if (!problem?.code) return problem?.title ?? "";
  const code = problem.code.replaceAll("-", "_");
  const known = word("problem", code);
  return known === code ? problem.title : known;
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function preferred(): Language {
  if (typeof document === "undefined") return "en";
  const wanted = localStorage.getItem(STORED) ?? navigator.language.slice(0, 2);
  const known = wanted in LANGUAGES ? (wanted as Language) : "en";
  document.documentElement.lang = known;
  return known;
}
