import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { linter } from "@codemirror/lint";
import { EditorView } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { VARIABLES } from "./variables";

interface PayloadEditorProps {
  label: string;
  /** What is shown at first; another one replaces what was typed. */
  initial: string;
  onChange: (text: string) => void;
}

/** JSON with completion of variables behind `{`, and faults underlined where they are. */
export function PayloadEditor({ label, initial, onChange }: PayloadEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  useEffect(() => {
    changed.current = onChange;
  });
  useEffect(() => {
    if (!place.current) return;
    const view = new EditorView({
      doc: initial,
      parent: place.current,
      extensions: [
        basicSetup,
        json(),
        linter(jsonParseLinter()),
        autocompletion({ override: [variables] }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed.current(update.state.doc.toString());
        }),
      ],
    });
    return () => view.destroy();
  }, [initial, label]);
  return <div className="editor" ref={place} />;
}

function variables(context: CompletionContext): CompletionResult | null {
  const typed = context.matchBefore(/\{[a-z_]*/);
  if (!typed) return null;
  return { from: typed.from + 1, options: VARIABLES.map((name) => ({ label: name, apply: `${name}}`, type: "variable" })) };
}
