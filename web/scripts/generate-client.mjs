// Makes src/api/schema.d.ts, the types of the API, from the OpenAPI document as it is committed: the snapshot that the API's
// own tests compare the program with. So a page that asks for what the API doesn't have doesn't compile.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const SNAPSHOT = new URL("../../crates/api/tests/api/snapshots/api__document__openapi.snap", import.meta.url);
// What has a default may be left out of a request, and an object of any members is one.
const OPTIONS = { defaultNonNullable: false, emptyObjectsUnknown: true };
const BASE = "/wp-json/ccsp-mailer/v1";

// A snapshot begins with a header between two lines of dashes.
const [, , ...rest] = readFileSync(SNAPSHOT, "utf8").split(/^---$/m);
const document = JSON.parse(rest.join("---"));
document.paths = Object.fromEntries(
  Object.entries(document.paths)
    .filter(([path]) => path.startsWith(BASE))
    .map(([path, operations]) => [path.slice(BASE.length), operations]),
);
writeFileSync(new URL("../src/api/schema.d.ts", import.meta.url), astToString(await openapiTS(document, OPTIONS)));
