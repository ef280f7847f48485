import { Textarea } from "@mantine/core";
import { useState } from "react";
import { useTexts } from "../texts";

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
  const [text, setText] = useState(() => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2)));
  const isWrong = strict && text.trim() !== "" && typeof parsed(text) === "string";
  return (
    <Textarea
      label={label} description={description} placeholder={placeholder} autosize minRows={3} maxRows={20} classNames={{ input: "mono" }} spellCheck={false}
      value={text} error={error ?? (isWrong ? t("not_json") : undefined)}
      onChange={({ currentTarget: { value: typed } }) => {
        setText(typed);
        onChange(typed.trim() === "" ? undefined : parsed(typed));
      }}
    />
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
