import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], testTimeout: number) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: testTimeout,
    setupFiles: ["test/to-be-all-close.ts"],
    // Unit tests leave nothing behind: one module graph for all of them halves the time of `npm run check`.
    isolate: name !== "unit",
  },
});

export default defineConfig({
  test: {
    projects: [
      project("unit", ["src/**/*.test.ts", "test/guards/**/*.test.ts"], 10_000),
      project("golden", ["test/golden/**/*.test.ts"], 120_000),
      project("invariant", ["test/invariant/**/*.test.ts"], 300_000),
      project("end-to-end", ["test/end-to-end/**/*.test.ts"], 900_000),
      project("peers", ["test/peers/**/*.test.ts"], 900_000),
    ],
  },
});
