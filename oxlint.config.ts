import { defineConfig, type OxlintOverride } from "oxlint";
import { mayImport } from "./architecture.ts";

const folders = Object.keys(mayImport);
const boundaries: OxlintOverride[] = Object.entries(mayImport).map(([folder, allowed]) => ({
  files: [`src/${folder}/**`],
  rules: {
    "eslint/no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: folders.flatMap((other) =>
              other === folder || allowed.includes(other) ? [] : [`../${other}/**`, `../**/${other}/**`],
            ),
            message: `src/${folder} may import only: ${allowed.join(", ") || "nothing"} (architecture.ts).`,
          },
        ],
      },
    ],
  },
}));

export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "jsdoc", "promise", "node", "vitest"],
  categories: { correctness: "error", suspicious: "error", perf: "warn" },
  options: { typeAware: true },
  rules: {
    "import/no-cycle": "error",
    "unicorn/filename-case": ["error", { case: "kebabCase" }],
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "eslint/max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
    "eslint/max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
    "eslint/max-params": ["error", { max: 3 }],
    "eslint/no-bitwise": "error",
    "eslint/no-console": "error",
  },
  overrides: [
    ...boundaries,
    {
      files: ["**/*.test.ts"],
      rules: { "eslint/max-lines-per-function": "off", "vitest/no-conditional-expect": "off" },
    },
    {
      files: ["test/**"],
      rules: { "import/no-unassigned-import": "off", "typescript/no-unsafe-type-assertion": "off" },
    },
    { files: ["src/cli/**", "bench/**", "tools/**"], rules: { "eslint/no-console": "off" } },
  ],
});
