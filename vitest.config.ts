import { defineConfig } from "vitest/config";

/** `*.long.test.ts` take minutes; `npm run test:long` asks for them. They are left out, not skipped: a skip means trouble. */
const isLong = process.env.HARDLINE_LONG_TESTS === "1";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: isLong ? ["**/node_modules/**"] : ["**/node_modules/**", "**/*.long.test.ts"],
    environment: "node",
    // Sandboxes, namespaces and compilers are started for real: on two cores that is slow.
    testTimeout: isLong ? 600_000 : 60_000,
    hookTimeout: 120_000,
    // A focused test that is committed would hide all the others.
    allowOnly: false,
    maxWorkers: 2,
  },
});
