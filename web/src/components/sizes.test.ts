import { expect, test } from "vitest";
import { sizeOf } from "./sizes";

test.each([
  [0, "0 bytes"], [1023, "1,023 bytes"], [1024, "1 kB"], [1_048_576, "1 MB"], [1_600_000, "1.5 MB"], [2 ** 50, "1,024 TB"],
])("%d bytes are %s", (bytes, said) => expect(sizeOf(bytes, "en")).toBe(said));
