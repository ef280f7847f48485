/** A JSON object that someone types. */

export interface Typed {
  value?: Record<string, unknown>;
  fault: boolean;
}

/** Nothing is no object, and no fault. */
export function objectOf(text: string): Typed {
  if (text.trim() === "") return { fault: false };
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { value: value as Record<string, unknown>, fault: false } : { fault: true };
  } catch {
    return { fault: true };
  }
}
