import { useState } from "react";
import { same } from "./kept";

/**
 * The text by which a value is typed. It stays as it was typed for as long as it means the value, with its blanks and its
 * empty lines; a value that came from elsewhere brings a text of its own.
 */
export function useAsTyped<T>(value: T, write: (value: T) => string, read: (text: string) => T, onChange: (value: T) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState<string>();
  const text = typed !== undefined && same(read(typed), value) ? typed : write(value);
  const type = (next: string) => {
    setTyped(next);
    onChange(read(next));
  };
  return [text, type];
}
