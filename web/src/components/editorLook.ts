/** How the editor looks, in light and dark: by the variables of the page's own theme, so that both are one. */
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const TEXT = "var(--mantine-color-text)";
const BODY = "var(--mantine-color-body)";
const BORDER = "1px solid var(--mantine-color-default-border)";
const CHOSEN = "light-dark(var(--mantine-color-indigo-1), var(--mantine-color-indigo-9))";

const theme = EditorView.theme({
  "&": { color: TEXT, backgroundColor: BODY },
  ".cm-content": { caretColor: TEXT },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: TEXT },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": { backgroundColor: CHOSEN },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "light-dark(var(--mantine-color-gray-0), var(--mantine-color-dark-6))" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "light-dark(var(--mantine-color-teal-1), var(--mantine-color-teal-9))" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "light-dark(var(--mantine-color-red-1), var(--mantine-color-red-9))" },
  ".cm-foldPlaceholder": { color: TEXT, backgroundColor: "transparent", border: BORDER },
  ".cm-tooltip": { color: TEXT, backgroundColor: BODY, border: BORDER, borderRadius: "6px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: TEXT, backgroundColor: CHOSEN },
  ".cm-panels": { color: TEXT, backgroundColor: BODY, borderTop: BORDER },
  ".cm-textfield, .cm-button": { color: TEXT, backgroundColor: BODY, backgroundImage: "none", border: BORDER },
});

const colors = HighlightStyle.define([
  { tag: tags.propertyName, color: "light-dark(var(--mantine-color-indigo-8), var(--mantine-color-indigo-2))" },
  { tag: tags.string, color: "light-dark(var(--mantine-color-teal-9), var(--mantine-color-teal-3))" },
  { tag: [tags.number, tags.bool, tags.null], color: "light-dark(var(--mantine-color-grape-8), var(--mantine-color-grape-3))" },
]);

export const editorLook = [theme, syntaxHighlighting(colors)];
