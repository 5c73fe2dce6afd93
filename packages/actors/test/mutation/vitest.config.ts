import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The tests that judge the supervision code when it is changed on purpose; they read the sources of the folder they
// stand in, which is a copy then.
const source = (path: string): string => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@constellation\/actors$/, replacement: source("index.ts") },
      { find: /^@constellation\/actors\/testkit$/, replacement: source("testkit/index.ts") },
      { find: /^@constellation\/actors\/node$/, replacement: source("node/index.ts") },
    ],
  },
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: [
      "test/resilience/**/*.test.ts",
      "test/supervisor/**/*.test.ts",
      "test/life/**/*.test.ts",
      "test/inspect/**/*.test.ts",
      "test/differential/**/*.test.ts",
    ],
    // One thread for all files: what is changed is chosen while it runs, and nothing need be loaded again.
    pool: "threads",
    isolate: false,
    maxWorkers: 1,
    testTimeout: 5000,
  },
});
