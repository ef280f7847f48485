import config from "./playwright.config";

/** Pictures for the guides: run by `make screenshots`, and no test. */
export default { ...config, testDir: "screenshots" };
