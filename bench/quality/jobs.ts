import type { QuantizationRecipeInput } from "../../src/quantization/recipe.ts";

/** One way to quantize a subject. */
export type QualityJob = {
  readonly name: string;
  /** Whether scales move between parameters, so that single linears cannot be compared. */
  readonly folds: boolean;
} & (
  | { readonly program: "bitmend"; readonly recipe: QuantizationRecipeInput }
  | {
      readonly program: "llm-compressor" | "gptqmodel" | "autoround" | "autoawq";
      readonly settings: Readonly<Record<string, unknown>>;
    }
);

interface Grid {
  readonly bits: 3 | 4;
  readonly symmetric: boolean;
  readonly groupSize: number;
}

/** The grids of each subject: large ones take minutes a program. */
const gridsOf: Readonly<Record<string, readonly Pick<Grid, "bits" | "symmetric">[]>> = {
  pocket: ([4, 3] as const).flatMap((bits) => [true, false].map((symmetric) => ({ bits, symmetric }))),
  stories: ([4, 3] as const).map((bits) => ({ bits, symmetric: false })),
  qwen3: [{ bits: 4, symmetric: false }],
};

/** All programs on the grids of a subject. */
export function qualityJobs(subject: string, groupSize: number): QualityJob[] {
  return gridsOf[subject]!.flatMap((kind) => {
    const grid = { ...kind, groupSize };
    const label = `w${kind.bits} ${kind.symmetric ? "symmetric" : "asymmetric"}`;
    const jobs = [...ours(grid), ...llmCompressor(grid), ...(groupSize === -1 ? [] : others(grid, subject))];
    // The large subject is for the programs, not for their settings.
    const chosen =
      subject === "qwen3" ? jobs.filter(({ name }) => !/mse|output|damping|order/u.test(name)) : jobs;
    return chosen.map((job) => ({ ...job, name: `${label} ${job.name}` }));
  });
}

function ourJob(name: string, recipe: QuantizationRecipeInput): QualityJob {
  return { name: `bitmend ${name}`, folds: recipe.method === "awq", program: "bitmend", recipe };
}

function ours(grid: Grid): QualityJob[] {
  return [
    ourJob("rtn", { method: "rtn", ...grid }),
    ourJob("rtn mse", { method: "rtn", ...grid, range: "mse" }),
    ourJob("gptq", { method: "gptq", ...grid }),
    ourJob("gptq mse", { method: "gptq", ...grid, range: "mse" }),
    ourJob("gptq output", { method: "gptq", ...grid, range: "output" }),
    ourJob("gptq mse refined", { method: "gptq", ...grid, range: "mse", refinementSweeps: 3 }),
    ourJob("awq", { method: "awq", ...grid }),
    ourJob("awq + gptq", { method: "awq", ...grid, rounding: "gptq" }),
  ];
}

function llmCompressorJob(name: string, ...modifiers: readonly unknown[]): QualityJob {
  const program = "llm-compressor";
  return { name: `llm-compressor ${name}`, folds: name.startsWith("awq"), program, settings: { modifiers } };
}

function llmCompressor({ bits, symmetric, groupSize }: Grid): QualityJob[] {
  const scheme = (observer: string) => ({
    ignore: ["lm_head"],
    config_groups: {
      all: {
        targets: ["Linear"],
        weights: {
          num_bits: bits,
          type: "int",
          symmetric,
          strategy: groupSize === -1 ? "channel" : "group",
          group_size: groupSize === -1 ? null : groupSize,
          observer,
        },
      },
    },
  });
  return [
    llmCompressorJob("rtn", ["quantization", scheme("memoryless_minmax")]),
    llmCompressorJob("rtn mse", ["quantization", scheme("memoryless_mse")]),
    llmCompressorJob("gptq", ["gptq", scheme("memoryless_minmax")]),
    llmCompressorJob("gptq mse", ["gptq", scheme("memoryless_mse")]),
    llmCompressorJob("awq", ["awq", {}], ["quantization", scheme("memoryless_minmax")]),
    llmCompressorJob("awq mse", ["awq", {}], ["quantization", scheme("memoryless_mse")]),
  ];
}

function others({ bits, symmetric, groupSize }: Grid, subject: string): QualityJob[] {
  const gptqModel = (name: string, settings: Readonly<Record<string, unknown>>): QualityJob => ({
    name: `GPTQModel ${name}`,
    folds: name.startsWith("awq"),
    program: "gptqmodel",
    settings: { bits, group_size: groupSize, sym: symmetric, ...settings },
  });
  const gptq = { method: "gptq", desc_act: false, format: "gptq_v2" };
  return [
    gptqModel("gptq", gptq),
    gptqModel("gptq damping 0.01", { ...gptq, damp_percent: 0.01 }),
    gptqModel("gptq mse", { ...gptq, mse: 2.4 }),
    gptqModel("gptq activation order", { ...gptq, desc_act: true, act_group_aware: false }),
    ...(bits === 4 ? [gptqModel("awq", { method: "awq" })] : []),
    ...(subject === "qwen3"
      ? []
      : [
          {
            name: "AutoRound",
            folds: false,
            program: "autoround" as const,
            settings: { bits, sym: symmetric, group_size: groupSize, iters: 200 },
          },
        ]),
    ...(bits === 4
      ? [
          {
            name: "AutoAWQ",
            folds: true,
            program: "autoawq" as const,
            settings: { w_bit: 4, q_group_size: groupSize, zero_point: !symmetric, version: "GEMM" },
          },
        ]
      : []),
  ];
}
