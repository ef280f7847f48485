import { Textarea } from "@mantine/core";
import { useAsTyped } from "./asTyped";
import { linesOf, membersOf } from "./lines";

interface LinesTextProps {
  label: string;
  description?: string;
  placeholder?: string;
  value: Record<string, string>;
  onChange: (value: Record<string, string>) => void;
  error?: string;
}

/** Headers or parameters, one a line. */
export function LinesText({ value, onChange, ...props }: LinesTextProps) {
  const [text, type] = useAsTyped(value, linesOf, membersOf, onChange);
  return <Textarea {...props} autosize minRows={2} classNames={{ input: "mono" }} spellCheck={false} value={text} onChange={(event) => type(event.currentTarget.value)} />;
}
