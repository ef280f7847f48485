// Fails if the first page loads more script than it may: the entry and the home page, with all that they import, gzipped. That a
// browser loads just that is seen in tests/around.test.ts.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 300 * 1024;
const FIRST_PAGE = ["index.html", "src/home/HomePage.tsx"];
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

const seen = new Set();
function collect(name) {
  if (seen.has(name)) return;
  seen.add(name);
  (manifest[name].imports ?? []).forEach(collect);
}
FIRST_PAGE.forEach(collect);
const sizes = [...seen].map((name) => gzipSync(readFileSync(new URL(manifest[name].file, dist))).length);
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(`first page: ${(total / 1024).toFixed(0)} KiB of script (gzip) in ${sizes.length} files; ${BUDGET_BYTES / 1024} allowed`);
if (total > BUDGET_BYTES) process.exit(1);
// It was made for this only, and is nothing to be served.
rmSync(new URL(".vite", dist), { recursive: true });
