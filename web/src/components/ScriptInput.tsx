import { Input, Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";

const ScriptEditor = lazy(() => import("./ScriptEditor"));

interface ScriptInputProps {
  label: string;
  description?: string;
  placeholder?: string;
  value: string;
  error?: string;
  onChange: (script: string) => void;
}

/** A field for a script. */
export function ScriptInput({ label, description, error, ...editor }: ScriptInputProps) {
  return (
    <Input.Wrapper label={label} labelElement="div" description={description} error={error}>
      <Suspense fallback={<Skeleton height={122} mt={4} />}><ScriptEditor label={label} {...editor} /></Suspense>
    </Input.Wrapper>
  );
}
