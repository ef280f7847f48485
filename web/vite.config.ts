import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where the server listens while the page is developed with `npm run dev`.
const server = process.env.CCSP_SERVER ?? "http://127.0.0.1:8025";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", manifest: true, sourcemap: false, chunkSizeWarningLimit: 800 },
  server: { proxy: { "/wp-json": server, "/docs": server, "/healthz": server } },
  test: { include: ["src/**/*.test.ts"] },
});
