import { z } from "zod";
import { BitmendError } from "../../util/errors.ts";
import type { Benchmark, BenchmarkFile } from "./benchmark.ts";
import { gradeProgram, lastCodeBlock, type ProgramTest } from "./grade-program.ts";
import { pickledText } from "./pickled-text.ts";

const testSchema = z.object({
  input: z.string(),
  output: z.string(),
  testtype: z.enum(["stdin", "functional"]),
});
const testsSchema = z.array(testSchema).min(1);

/** A row of the official files; tests are JSON in text, the private ones packed. */
const officialSchema = z.object({
  question_id: z.string(),
  question_content: z.string().min(1),
  starter_code: z.string(),
  contest_date: z.string().regex(/^\d{4}-\d\d-\d\d/u),
  difficulty: z.string(),
  platform: z.string(),
  public_test_cases: z.string(),
  private_test_cases: z.string(),
  metadata: z.string(),
});

/** A row of the subset in one JSON file, without dates. */
const subsetSchema = z.object({ problem: z.string().min(1), starter_code: z.string(), tests: testsSchema });

/** File of each release: a release is all files up to its own. SHA-256 as others published them for this commit. */
const releaseFiles: readonly (readonly [name: string, sha256: string])[] = [
  ["test.jsonl", "2bd02b38beb48e8c46b5b9987095d999ff38cd8efc255ea5d58974317c48f63f"],
  ["test2.jsonl", "095df7c5daf15f882c51a9deb84085cff1e073495a5dbcf95015a564d485f3a3"],
  ["test3.jsonl", "28ed26cc83363ce3f1fe2d5fad9f8393077beb1907b167a31bd3b32f80801b79"],
  ["test4.jsonl", "d711138ddaebfcf5f8ec6a4283ee677298c0f5c5d374a235af92aaf0584510da"],
  ["test5.jsonl", "7f77571c2a6df0c2a72a3277650309f67e01e0008e18117e624633df53f81214"],
  ["test6.jsonl", "bb4c364f71921c4495a6ad15abe1a927350b720009f4933e2e71f8af0f6fd1f5"],
];
const lastRelease = releaseFiles.length;

/** Contest problems with hidden tests, dated: Jain et al. 2024, https://arxiv.org/abs/2403.07974. Needs python3. */
export const livecodebench: Benchmark = {
  name: "livecodebench",
  version: "1",
  source: "LiveCodeBench code generation (lite) of Jain et al. 2024; prompt: the authors' generic one.",
  licence: "CC",
  settings: {
    help: "a release, a window of contest dates, or subset: livecodebench:release_v5,2024-08-01..2025-02-01 (default release_v6)",
    pattern: /^(?:subset|release_v[1-6]|(?:release_v[1-6],)?\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)$/u,
  },
  files: (settings) => (settings === "subset" ? [subsetFile] : officialFiles(settings)),
  problem: (row, { settings }) => {
    const subset = subsetSchema.safeParse(row);
    if (subset.success) {
      const { problem, starter_code: starter } = subset.data;
      return { question: asked(problem, starter), answer: "passes its tests" };
    }
    const {
      question_content: content,
      starter_code: starter,
      contest_date: date,
      difficulty,
      platform,
    } = officialSchema.parse(row);
    const [from = "", to = "9999"] = /(\S{10})\.\.(\S{10})/u.exec(settings)?.slice(1) ?? [];
    if (date.slice(0, 10) < from || date.slice(0, 10) > to) return null;
    const level = ["easy", "medium", "hard"].indexOf(difficulty) + 1;
    return {
      question: asked(content, starter),
      answer: "passes its tests",
      subject: platform,
      ...(level > 0 ? { level } : {}),
    };
  },
  messages: ({ question }) => [{ role: "user", content: question }],
  plainPrompt: () => ({ text: ({ question }) => `${question}### Answer:\n\n`, stop: ["\n###"] }),
  grade: {
    runs: ({ rowOf, unsafe }) =>
      gradeProgram({
        program: (_, answer) => lastCodeBlock(answer),
        tests: (problem) => testsOf(rowOf(problem)),
        seconds: 6,
        unsafe,
      }),
  },
};

const subsetFile: BenchmarkFile = {
  split: "test",
  dataset: null,
  localPaths: ["livecodebench-subset/livecodebench.json", "livecodebench.json"],
};

function officialFiles(settings: string): BenchmarkFile[] {
  const release = Number(/release_v(\d)/u.exec(settings)?.[1] ?? lastRelease);
  return releaseFiles.slice(0, release).map(([path, sha256]) => ({
    split: "test",
    dataset: {
      repository: "livecodebench/code_generation_lite",
      revision: "0fe84c3912ea0c4d4a78037083943e8f0c4dd505",
      path,
      sha256,
    },
    localPaths: [`livecodebench/${path}`],
  }));
}

/** The authors' prompt (`lcb_runner/prompts/code_generation.py`). */
function asked(content: string, starter: string): string {
  const head =
    "You will be given a question (problem specification) and will generate a correct Python program that matches the specification and passes all tests.\n\n" +
    `### Question:\n${content}\n\n`;
  return starter.trim() === ""
    ? `${head}### Format: Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample inputs). Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the inputs, runs the algorithm and writes output to STDOUT.\n\`\`\`python\n# YOUR CODE HERE\n\`\`\`\n\n`
    : `${head}### Format: You will use the following starter code to write the solution to the problem and enclose your code within delimiters.\n\`\`\`python\n${starter}\n\`\`\`\n\n`;
}

function testsOf(row: unknown): ProgramTest[] {
  const subset = subsetSchema.safeParse(row);
  if (subset.success) return programTests(subset.data.tests, functionOf(subset.data.starter_code));
  const {
    public_test_cases: open,
    private_test_cases: packed,
    metadata,
    starter_code: starter,
  } = officialSchema.parse(row);
  const hidden = packed.startsWith("[") ? packed : pickledText(packed);
  const tests = [...testsSchema.parse(JSON.parse(open)), ...testsSchema.parse(JSON.parse(hidden))];
  const named = z.object({ func_name: z.string().optional() }).parse(JSON.parse(metadata)).func_name;
  return programTests(tests, named ?? functionOf(starter));
}

function programTests(tests: z.infer<typeof testsSchema>, name: string | null): ProgramTest[] {
  return tests.map(({ input, output, testtype }) => {
    if (testtype === "stdin") return { kind: "stdin", input, output };
    if (name === null)
      throw new BitmendError(
        "tasks/malformed",
        "livecodebench: expected a function to call in the starter code, got none.",
      );
    return { kind: "call", function: name, input, output };
  });
}

/** The method that a starter asks for. */
function functionOf(starter: string): string | null {
  return (
    [...starter.matchAll(/^\s*def (\w+)\s*\(/gmu)]
      .map(([, name]) => name!)
      .findLast((name) => name !== "__init__") ?? null
  );
}
