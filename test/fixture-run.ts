/** @file A made-up run with the shape of a real one, the same on every machine: for tests of the report, never for a number in a document. */
import type { RunRecords } from "../src/report/run-records.ts";
import type { ProblemRecord } from "../src/runs/problems.ts";
import type {
  ComparisonRecord,
  CompletionRecord,
  DiagnosisRecord,
  ErrorType,
  LayerErrorRecord,
  MedicineRecord,
  Variant,
  VerdictRecord,
} from "../src/runs/records.ts";
import { summarize } from "../src/runs/summary.ts";
import { type RandomStream, randomStream } from "../src/util/random.ts";
import { fixtureTraining } from "./fixture-training.ts";

const subjects = ["shopping", "rates", "fractions", "ages", "equations", "units", "sequences", "sharing"];
const names = ["mia", "tom", "zoe", "ben", "ida", "leo"];
const things = ["apples", "pens", "books", "cards", "coins", "shells"];

/** Share of problems solved, by variant; the ladder of a model that breaks like a large one. */
const ladder: readonly (readonly [name: string, accuracy: number])[] = [
  ["full", 0.968],
  ["w8-g64-rtn", 0.967],
  ["w4-g64-rtn", 0.905],
  ["w4-g64-gptq", 0.952],
  ["w3-g64-rtn", 0.548],
  ["w3-g64-gptq", 0.786],
  ["w2-g64-rtn", 0.012],
  ["w2-g64-gptq", 0.334],
  ["w3-g64-gptq+qat", 0.961],
  ["w2-g64-gptq+qat", 0.941],
  ["w3-g64-gptq+dpo", 0.902],
  ["w3-g64-gptq+sft", 0.915],
  ["w3-g64-gptq+random", 0.893],
];

function variantNamed(name: string): Variant {
  if (name === "full")
    return { name, method: null, bits: null, groupSize: null, symmetric: null, restoredBy: null };
  const [, bits, method, restoredBy] = /^w(\d)-g64-(rtn|gptq)(?:\+(\w+))?$/.exec(name)!;
  return {
    name,
    method: method as "rtn" | "gptq",
    bits: Number(bits) as 2 | 3 | 4 | 8,
    groupSize: 64,
    symmetric: false,
    restoredBy: (restoredBy ?? null) as Variant["restoredBy"],
  };
}

interface Step {
  readonly label: string;
  readonly left: number;
  readonly operator: "+" | "-" | "*";
  readonly right: number;
}

interface FixtureProblem extends ProblemRecord {
  readonly steps: readonly Step[];
}

const result = ({ left, operator, right }: Step): number =>
  operator === "+" ? left + right : operator === "-" ? left - right : left * right;

const stepText = (step: Step, value = result(step)): string =>
  `${step.label}: ${step.left}${step.operator}${step.right}=${value}`;

function makeProblem(index: number, random: RandomStream): FixtureProblem {
  const level = 1 + (index % 5);
  const subject = subjects[index % subjects.length]!;
  const name = random.pick(names);
  const thing = random.pick(things);
  const steps: Step[] = [];
  const sentences = [`${name} has ${12 + random.integer(60)} ${thing}.`];
  let value = Number(/\d+/.exec(sentences[0]!)![0]);
  for (let step = 0; step <= level; step++) {
    const operator = value > 400 ? "-" : random.pick(["+", "-", "*"] as const);
    const right = operator === "*" ? 2 + random.integer(3) : 2 + random.integer(Math.min(90, value - 1));
    sentences.push(
      operator === "+"
        ? `then ${name} gets ${right} more.`
        : operator === "-"
          ? `then ${name} gives away ${right}.`
          : `then the number grows ${right} times.`,
    );
    steps.push({ label: `${thing} after ${step + 1}`, left: value, operator, right });
    value = Math.max(2, result(steps.at(-1)!));
  }
  return {
    id: `pocket-${String(index).padStart(4, "0")}`,
    question: `${sentences.join(" ")} how many ${thing} does ${name} have?`,
    answer: String(value),
    subject,
    level,
    steps,
  };
}

/** Solution text, faulty in the way of `type` from step `wrong` on. */
function solve(
  problem: FixtureProblem,
  fault: { type: ErrorType; wrong: number; random: RandomStream } | null,
): { text: string; steps: string[]; evidence: string; answer: string | null } {
  const right = problem.steps.map((step) => stepText(step));
  if (fault === null)
    return {
      text: [...right, `#### ${problem.answer}`].join("\n"),
      steps: right,
      evidence: "",
      answer: problem.answer,
    };
  const { type, wrong, random } = fault;
  if (type === "degenerate") {
    const loop = Array.from({ length: 9 }, () => right[0]!);
    return { text: loop.join("\n"), steps: loop, evidence: "The same line stands 9 times.", answer: null };
  }
  const step = problem.steps[wrong]!;
  const off = result(step) + (1 + random.integer(9)) * (random.next() < 0.5 ? -1 : 10);
  const faulty: Step =
    type === "formula-rule-error"
      ? { ...step, operator: step.operator === "+" ? "-" : "+" }
      : type === "contextual-oversight" || type === "symbolic-manipulation-error"
        ? { ...step, right: step.right + 10 }
        : step;
  const written = faulty === step ? stepText(step, off) : stepText(faulty);
  const steps = [...right.slice(0, wrong), written, ...right.slice(wrong + 1)];
  const answer = String(off);
  return {
    text: [...steps, `#### ${answer}`].join("\n"),
    steps: [...steps, `#### ${answer}`],
    evidence:
      faulty === step
        ? `${step.left}${step.operator}${step.right} is ${result(step)}, not ${off}.`
        : `Expected ${stepText(step)}, found ${written}.`,
    answer,
  };
}

const typeWeights: readonly (readonly [ErrorType, number])[] = [
  ["conceptual-misunderstanding", 0.03],
  ["contextual-oversight", 0.09],
  ["procedural-error", 0.06],
  ["formula-rule-error", 0.04],
  ["numerical-computation-error", 0.56],
  ["symbolic-manipulation-error", 0.11],
  ["logical-reasoning-error", 0.11],
];

function drawType(variant: Variant, random: RandomStream): ErrorType {
  const degenerate = variant.bits === 2 && variant.restoredBy === null ? 0.4 : variant.bits === 3 ? 0.06 : 0;
  if (random.next() < degenerate) return "degenerate";
  let left = random.next();
  for (const [type, weight] of typeWeights) {
    left -= weight;
    if (left < 0) return type;
  }
  return "numerical-computation-error";
}

function wilson(correct: number, n: number): [number, number] {
  const z = 1.959963984540054;
  const p = correct / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function mcnemar(lost: number, won: number): number {
  const n = lost + won;
  let term = 0.5 ** Math.min(n, 1000);
  let sum = 0;
  for (let k = 0; k <= Math.min(lost, won); k++) {
    sum += term;
    term = (term * (n - k)) / (k + 1);
  }
  return Math.min(1, 2 * sum);
}

type Counts = [name: string, correct: number, n: number][];

function tally(
  problems: readonly FixtureProblem[],
  solved: ReadonlySet<string>,
  key: "subject" | "level",
): Counts {
  return [...Map.groupBy(problems, (problem) => String(problem[key])).entries()].map(([name, group]) => [
    name,
    group.filter(({ id }) => solved.has(id)).length,
    group.length,
  ]);
}

interface Measured {
  readonly completions: CompletionRecord[];
  readonly verdicts: VerdictRecord[];
  readonly diagnoses: DiagnosisRecord[];
  readonly solved: ReadonlySet<string>;
}

/** Solves or fails every problem. Difficulty belongs mostly to the problem, so what is hard for one variant is hard for the next. */
function measure(input: {
  variant: Variant;
  accuracy: number;
  problems: readonly FixtureProblem[];
  seed: number;
}): Measured {
  const { variant, accuracy, problems, seed } = input;
  const solved = new Set<string>();
  const measured: Measured = { completions: [], verdicts: [], diagnoses: [], solved };
  for (const problem of problems) {
    const keys = { variant: variant.name, problem: problem.id };
    const difficulty =
      0.92 * randomStream(seed, "difficulty", problem.id).next() +
      0.08 * randomStream(seed, "luck", problem.id, variant.name).next();
    const random = randomStream(seed, "fault", problem.id, variant.name);
    const right = difficulty < 0.04 + 0.92 * accuracy;
    const type = drawType(variant, random);
    const wrong = random.integer(problem.steps.length);
    const solution = solve(problem, right ? null : { type, wrong, random });
    const degenerate = !right && type === "degenerate";
    const { text, steps, evidence, answer } = solution;
    measured.completions.push({ ...keys, text, tokens: text.length, finish: degenerate ? "length" : "stop" });
    measured.verdicts.push({
      ...keys,
      verdict: right ? "correct" : degenerate ? "no-answer" : "incorrect",
      extracted: answer,
      expected: problem.answer,
      degenerate: degenerate ? "loop" : null,
    });
    if (right) solved.add(problem.id);
    else
      measured.diagnoses.push({ ...keys, steps, firstWrongStep: degenerate ? null : wrong, type, evidence });
  }
  return measured;
}

/** Builds the run; `problems` of them, evenly over subjects and levels. */
export function fixtureRun({ problems: problemCount = 200, seed = 7 } = {}): RunRecords {
  const problems = Array.from({ length: problemCount }, (_, index) =>
    makeProblem(index, randomStream(seed, "problem", index)),
  );
  const measured = ladder.map(([name, accuracy]) => {
    const variant = variantNamed(name);
    return { variant, ...measure({ variant, accuracy, problems, seed }) };
  });
  const solvedByFull = measured[0]!.solved;
  const comparisons = measured.map(({ variant, solved, verdicts }) =>
    compare({
      variant,
      problems,
      solved,
      solvedByFull,
      degenerate: verdicts.filter((verdict) => verdict.degenerate !== null).length,
    }),
  );
  const diagnoses = measured.flatMap((one) => one.diagnoses);
  return {
    ...fixtureSettings(problemCount),
    problems: problems.map(({ steps: _steps, ...problem }) => problem),
    completions: measured.flatMap((one) => one.completions),
    verdicts: measured.flatMap((one) => one.verdicts),
    comparisons,
    diagnoses,
    medicine: makeMedicine(seed),
    training: fixtureTraining(seed),
    layerErrors: makeLayerErrors(seed),
    sensitivities: [],
    allocations: [],
    summary: summarize({
      recipe: "pocket",
      seed,
      seconds: 412.3,
      peakMemoryBytes: 1_310_000_000,
      problems: { task: "pocket", split: "test", n: problemCount },
      comparisons,
      diagnoses,
      agreement: { step: 0.9982, type: 0.9935 },
    }),
  };
}

function fixtureSettings(problemCount: number): Pick<RunRecords, "recipe" | "environment"> {
  return {
    recipe: {
      name: "pocket",
      task: { name: "pocket", split: "test", problems: problemCount },
      quantization: { groupSize: 64, bits: [8, 4, 3, 2], dampingFraction: 0.01, columnOrder: "activation" },
      restoration: { qat: { steps: 480, learningRate: 0.001 }, dpo: { beta: 0.1, nll: 1, rank: 16 } },
    },
    environment: { bitmend: "0.1.0", node: "24.21.0", platform: "linux x64", cpu: "fixture", threads: 2 },
  };
}

interface CompareInput {
  readonly variant: Variant;
  readonly problems: readonly FixtureProblem[];
  readonly solved: ReadonlySet<string>;
  readonly solvedByFull: ReadonlySet<string>;
  readonly degenerate: number;
}

function compare({ variant, problems, solved, solvedByFull, degenerate }: CompareInput): ComparisonRecord {
  const n = problems.length;
  const ids = problems.map(({ id }) => id);
  const lost = ids.filter((id) => solvedByFull.has(id) && !solved.has(id));
  const won = ids.filter((id) => !solvedByFull.has(id) && solved.has(id));
  const drop = (solvedByFull.size - solved.size) / n;
  const spread = (1.96 * Math.sqrt(lost.length + won.length)) / n;
  return {
    variant,
    n,
    accuracy: solved.size / n,
    interval: wilson(solved.size, n),
    lost,
    won,
    bothCorrect: solvedByFull.size - lost.length,
    bothWrong: n - solvedByFull.size - won.length,
    degenerate,
    drop,
    relativeDrop: drop / (solvedByFull.size / n),
    dropInterval: [drop - spread, drop + spread],
    mcnemarP: mcnemar(lost.length, won.length),
    bySubject: tally(problems, solved, "subject"),
    byLevel: tally(problems, solved, "level"),
  };
}

function makeMedicine(seed: number): MedicineRecord[] {
  return Array.from({ length: 545 }, (_, index) => {
    const random = randomStream(seed, "medicine", index);
    const problem = makeProblem(index, random);
    const wrong = random.integer(problem.steps.length);
    const type = drawType(variantNamed("w3-g64-gptq"), random);
    const lines = solve(problem, type === "degenerate" ? null : { type, wrong, random }).text.split("\n");
    const right = solve(problem, null).text.split("\n");
    return {
      problem: `train-${index}`,
      question: problem.question,
      prefix: right
        .slice(0, wrong)
        .map((line) => `${line}\n`)
        .join(""),
      chosen: right.slice(wrong).join("\n"),
      rejected: lines.slice(wrong).join("\n"),
      type,
    };
  });
}

function makeLayerErrors(seed: number): LayerErrorRecord[] {
  const modules = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
  ];
  return ladder.flatMap(([variant]) => {
    const { bits, method, restoredBy } = variantNamed(variant);
    if (bits === null || restoredBy !== null) return [];
    return Array.from({ length: 4 }, (_, layer) => layer).flatMap((layer) =>
      modules.map((module) => {
        const random = randomStream(seed, "layer", variant, layer, module);
        const weightError = (0.6 / 4 ** (bits - 1)) * (0.8 + 0.4 * random.next());
        return {
          variant,
          layer,
          module: `model.layers.${layer}.${module}`,
          weightError,
          outputError: weightError * (method === "gptq" ? 0.3 : 0.9) * (0.5 + random.next()),
        };
      }),
    );
  });
}
