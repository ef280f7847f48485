// Fails if the first page loads more script than it may. Counted is what the entry imports, gzipped, not what comes later.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 300 * 1024;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

const seen = new Set();
function collect(name) {
  if (seen.has(name)) return;
  seen.add(name);
  (manifest[name].imports ?? []).forEach(collect);
}
collect("index.html");
const sizes = [...seen].map((name) => gzipSync(readFileSync(new URL(manifest[name].file, dist))).length);
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(`first page: ${(total / 1024).toFixed(0)} KiB of script (gzip) in ${sizes.length} files; ${BUDGET_BYTES / 1024} allowed`);
if (total > BUDGET_BYTES) process.exit(1);
// It was made for this only, and is nothing to be served.
rmSync(new URL(".vite", dist), { recursive: true });
