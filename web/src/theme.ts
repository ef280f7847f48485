import { createTheme, type CSSVariablesResolver } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: "md",
  autoContrast: true,
  cursorType: "pointer",
  // What waits for the end of a movement that does not take place would stay as it is.
  respectReducedMotion: true,
  headings: { fontWeight: "650" },
});

/** Mantine's dimmed grey and its dark red are too faint for WCAG AA (contrast 4.5:1) on our surfaces. */
export const readableColors: CSSVariablesResolver = () => ({
  variables: {},
  light: { "--mantine-color-dimmed": "#5c636a", "--mantine-color-error": "#c92a2a", "--mantine-color-placeholder": "#666d75" },
  dark: { "--mantine-color-dimmed": "#a6a7ab", "--mantine-color-error": "#ff8787", "--mantine-color-placeholder": "#9b9ca1" },
});
