import { defineConfig } from "vitest/config";
import { SecondTries } from "./tools/second-tries.ts";

// Tests read the TypeScript sources of every workspace package through this export condition.
// Programs that a test starts (workers, daemons, the CLI) are the built files under dist/: run `npm run build` first.
const conditions = ["constellation-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "e2e/**/*.test.ts", "tools/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**"],
    globalSetup: "tools/leaves-nothing.ts",
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Tests start real processes and may share a busy machine. In CI a failed test gets one more try; the report tells why.
    retry: process.env["CI"] ? 1 : 0,
    reporters: ["default", new SecondTries()],
  },
});
