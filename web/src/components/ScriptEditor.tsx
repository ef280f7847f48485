import { javascript } from "@codemirror/lang-javascript";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, placeholder as shownWhenEmpty } from "@codemirror/view";
import { useComputedColorScheme } from "@mantine/core";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { editorLook } from "./editorLook";
import { useIsShut } from "./MayWrite";

interface ScriptEditorProps {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (script: string) => void;
}

/** JavaScript, coloured and indented. Loaded when it is first shown: it is larger than the pages that have it. */
export default function ScriptEditor({ label, placeholder = "", value, onChange }: ScriptEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef<EditorView>(null);
  const scheme = useRef(new Compartment());
  const dark = useComputedColorScheme() === "dark";
  const shut = useIsShut();
  const current = useRef({ value, onChange });
  useEffect(() => {
    current.current = { value, onChange };
  });
  useEffect(() => {
    if (!place.current) return;
    const view = new EditorView({
      doc: current.current.value,
      parent: place.current,
      extensions: [
        basicSetup,
        javascript(),
        shownWhenEmpty(placeholder),
        EditorView.lineWrapping,
        EditorState.readOnly.of(shut),
        EditorView.contentAttributes.of({ "aria-label": label }),
        editorLook,
        scheme.current.of([]),
        EditorView.updateListener.of(({ docChanged, state }) => {
          const script = state.doc.toString();
          if (docChanged && script !== current.current.value) current.current.onChange(script);
        }),
      ],
    });
    shown.current = view;
    return () => {
      shown.current = null;
      view.destroy();
    };
  }, [label, placeholder, shut]);
  useEffect(() => {
    const view = shown.current;
    // Also what came from elsewhere: an example, or what is saved.
    if (view && view.state.doc.toString() !== value) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    shown.current?.dispatch({ effects: scheme.current.reconfigure(EditorView.darkTheme.of(dark)) });
  }, [dark, label, placeholder, shut]);
  return <div className="editor" data-small ref={place} />;
}
