import config from "./playwright.config";

/** Pictures for the guides: run by `make screenshots`, and no test. */
export default { ...config, testDir: "screenshots", projects: [{ name: "pictures", use: { colorScheme: "light" as const, viewport: { width: 1280, height: 800 } } }] };
