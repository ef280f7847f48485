// Puts a .br and a .gz beside each file of dist/ that gets smaller by it, so that the server compresses nothing itself.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const DIST = new URL("../dist", import.meta.url).pathname;
// Below this a packet is a packet.
const WORTH_IT_BYTES = 1024;

for (const name of readdirSync(DIST, { recursive: true })) {
  const path = join(DIST, name);
  if (!/\.(html|js|css|svg|json)$/.test(path) || statSync(path).size < WORTH_IT_BYTES) continue;
  const bytes = readFileSync(path);
  const text = { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: text }));
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
