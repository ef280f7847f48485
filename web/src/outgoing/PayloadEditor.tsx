import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { linter, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState, StateEffect } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { useIsShut } from "../components/MayWrite";
import { editorLook } from "../components/editorLook";
import { placeOf } from "./place";

/** What the server says of a payload, by the path of the field. */
export interface Fault {
  field: string;
  message: string;
}

interface PayloadEditorProps {
  label: string;
  text: string;
  variables: string[];
  /** What is wrong with it, beside its being JSON. */
  faults?: Fault[];
  /** Whether it is one field among others. */
  small?: boolean;
  onChange: (text: string) => void;
}

const NONE: Fault[] = [];
/** The server said something new of the text. */
const judged = StateEffect.define<null>();

/** JSON with completion of variables behind `{`, and faults underlined where they are. */
export default function PayloadEditor({ label, text, variables, faults = NONE, small, onChange }: PayloadEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef<EditorView>(null);
  const scheme = useRef(new Compartment());
  const dark = useComputedColorScheme() === "dark";
  const shut = useIsShut();
  const current = useRef({ text, onChange, variables, faults });
  useEffect(() => {
    current.current = { text, onChange, variables, faults };
  });
  useEffect(() => {
    shown.current?.dispatch({ effects: judged.of(null) });
  }, [faults]);
  useEffect(() => {
    if (!place.current) return;
    const view = new EditorView({
      doc: current.current.text,
      parent: place.current,
      extensions: [
        basicSetup,
        json(),
        linter((view) => [...syntax(view), ...marks(view.state.doc.toString(), current.current.faults)], {
          needsRefresh: ({ transactions }) => transactions.some(({ effects }) => effects.some((effect) => effect.is(judged))),
        }),
        autocompletion({ override: [(context) => completed(context, current.current.variables)] }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        editorLook,
        scheme.current.of([]),
        EditorState.readOnly.of(shut),
        EditorView.updateListener.of((update) => {
          const typed = update.state.doc.toString();
          if (update.docChanged && typed !== current.current.text) current.current.onChange(typed);
        }),
      ],
    });
    shown.current = view;
    return () => {
      shown.current = null;
      view.destroy();
    };
  }, [label, shut]);
  useEffect(() => {
    const view = shown.current;
    // Also what came from elsewhere: a template, or what is saved.
    if (view && view.state.doc.toString() !== text) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    shown.current?.dispatch({ effects: scheme.current.reconfigure(EditorView.darkTheme.of(dark)) });
  }, [dark, label, shut]);
  return <div className="editor" data-small={small} ref={place} />;
}

const parse = jsonParseLinter();

/** An empty payload is the event as it is, and no fault. */
function syntax(view: EditorView): Diagnostic[] {
  return view.state.doc.toString().trim() === "" ? [] : parse(view);
}

function marks(text: string, faults: Fault[]): Diagnostic[] {
  return faults.map(({ field, message }) => ({ ...placeOf(text, field, message), severity: "error", message }));
}

function completed(context: CompletionContext, variables: string[]): CompletionResult | null {
  const typed = context.matchBefore(/\{[\w.]*/);
  if (!typed) return null;
  // A brace that is there already is not doubled.
  const closed = context.state.sliceDoc(context.pos, context.pos + 1) === "}";
  const options = variables.map((name) => ({ label: name, apply: closed ? name : `${name}}`, type: "variable" }));
  return { from: typed.from + 1, options, validFor: /^[\w.]*$/ };
}
