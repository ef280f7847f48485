import { Textarea } from "@mantine/core";
import { useTexts } from "../texts";
import { useAsTyped } from "./asTyped";

interface JsonTextProps {
  label: string;
  description?: string;
  placeholder?: string;
  value: unknown;
  /** What is no JSON is given as the text that it is, for the server to say whether it may be. Nothing is `undefined`. */
  onChange: (value: unknown) => void;
  /** Whether a text that is no JSON is a fault that can be told at once. */
  strict?: boolean;
  error?: string;
}

/** JSON, as it is typed. */
export function JsonText({ label, description, placeholder, value, onChange, strict, error }: JsonTextProps) {
  const t = useTexts();
  const [text, type] = useAsTyped(value ?? undefined, written, parsed, onChange);
  const isWrong = strict && typeof parsed(text) === "string";
  return (
    <Textarea
      label={label} description={description} placeholder={placeholder} autosize minRows={3} maxRows={20} classNames={{ input: "mono" }} spellCheck={false}
      value={text} error={error ?? (isWrong ? t("not_json") : undefined)} onChange={(event) => type(event.currentTarget.value)}
    />
  );
}

function written(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function parsed(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
