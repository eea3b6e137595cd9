/** @file Each guard of the toolchain is seen to fail: a copy of the tree gets one violation, and the tool must name it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const binaries = join(root, "node_modules/.bin");
/** What no guard looks at, or must not be copied. */
const leftOut = new Set(["node_modules", ".git", ".cache", "dist", "coverage", "runs", "models", "shared"]);

let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "bitmend-guards-"));
  cpSync(root, copy, { recursive: true, filter: (path) => !leftOut.has(relative(root, path)) });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[]): Outcome {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    NO_COLOR: "1",
    PATH: `${binaries}${delimiter}${process.env["PATH"] ?? ""}`,
  };
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: copy,
    encoding: "utf8",
    env: environment,
  });
  return { status, output: `${stdout}${stderr}` };
}

/** Runs a tool on the copy with `files` in it, and takes them out again. */
function withFiles(
  files: Readonly<Record<string, string>>,
  [command, ...args]: readonly [string, ...string[]],
): Outcome {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), content);
  }
  try {
    return run(command, args);
  } finally {
    for (const path of Object.keys(files)) rmSync(join(copy, path));
  }
}

/** Lints `files` alone; the rules are those of the whole tree. */
const lint = (files: Readonly<Record<string, string>>): Outcome =>
  withFiles(files, ["oxlint", "--deny-warnings", ...Object.keys(files)]);

test("a file that keeps the rules passes format, lint and types", () => {
  const path = "src/grading/seen-to-pass.ts";
  const files = { [path]: "/** The answer. */\nexport const answer = 42;\n" };
  expect(lint(files)).toMatchObject({ status: 0 });
  expect(withFiles(files, ["oxfmt", "--check", path])).toMatchObject({ status: 0 });
});

test("an import against the direction of dependencies", () => {
  const { status, output } = lint({
    "src/grading/forbidden-import.ts": 'export { EngineWorker } from "../engine/engine-worker.ts";\n',
  });
  expect(status).not.toBe(0);
  expect(output).toContain("src/grading may import only: util (architecture.ts).");
});

test("a cycle of imports", () => {
  const { status, output } = lint({
    "src/grading/cycle-first.ts":
      'import { second } from "./cycle-second.ts";\nexport const first = (): number => second();\n',
    "src/grading/cycle-second.ts":
      'import { first } from "./cycle-first.ts";\nexport const second = (): number => first();\n',
  });
  expect(status).not.toBe(0);
  expect(output).toContain("no-cycle");
});

test("a bitwise operator outside the files that say why", () => {
  const { status, output } = lint({
    "src/grading/bitwise.ts": "export const isOdd = (count: number): boolean => (count & 1) === 1;\n",
  });
  expect(status).not.toBe(0);
  expect(output).toContain("no-bitwise");
});

test("a file of 500 lines", () => {
  const lines = Array.from({ length: 500 }, (_, index) => `export const line${index} = ${index};\n`);
  const { status, output } = lint({ "src/grading/long.ts": lines.join("") });
  expect(status).not.toBe(0);
  expect(output).toContain("max-lines");
});

test("a promise nobody waits for, which only a linter that knows types can see", () => {
  const { status, output } = lint({
    "src/grading/floating.ts":
      "async function work(): Promise<number> {\n  return Promise.resolve(1);\n}\nexport function start(): void {\n  work();\n}\n",
  });
  expect(status).not.toBe(0);
  expect(output).toContain("no-floating-promises");
});

test("a file that is not formatted", () => {
  const path = "src/grading/unformatted.ts";
  const { status, output } = withFiles({ [path]: "export const  x=1\n" }, ["oxfmt", "--check", path]);
  expect(status).not.toBe(0);
  expect(output).toContain("unformatted.ts");
});

test("a type error", () => {
  const { status, output } = withFiles(
    { "src/grading/mistyped.ts": 'export const count: number = "three";\n' },
    ["tsc"],
  );
  expect(status).not.toBe(0);
  expect(output).toContain("src/grading/mistyped.ts");
});

test("an export and a file that nothing uses", () => {
  const { status, output } = withFiles(
    {
      "src/grading/unused.ts": "export const usedByNobody = 1;\n",
      "src/grading/half-used.test.ts":
        'import { used } from "./half-used.ts";\nimport { expect, test } from "vitest";\n\ntest("used", () => expect(used).toBe(1));\n',
      "src/grading/half-used.ts": "export const used = 1;\nexport const neverImported = 2;\n",
    },
    ["knip"],
  );
  expect(status).not.toBe(0);
  expect(output).toContain("src/grading/unused.ts");
  expect(output).toContain("neverImported");
});
