import { count, smallNumber } from "../../report/number-text.ts";
import { textTable } from "../../report/text-table.ts";
import { methods } from "../../runs/records.ts";
import { widthsTable } from "../../report/widths-table.ts";
import { consume } from "../../util/consume.ts";
import { describeCost } from "../../verbs/describe-cost.ts";
import { estimateQuantize, quantize, type QuantizePlan, type QuantizeResult } from "../../verbs/quantize.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { readChoice, readNumber, required } from "../read-value.ts";

export const command = defineCommand({
  options: {
    method: { type: "string", value: "METHOD", help: "rtn (round to nearest), gptq, awq or smoothquant" },
    bits: { type: "integer", value: "N", help: "2, 3, 4 or 8" },
    "average-bits": { type: "string", value: "N", help: "Or their mean: widths by measured sensitivity" },
    granularity: {
      type: "string",
      value: "PARTS",
      help: "What gets its own width: layer, half, group (default), module",
    },
    "sensitivity-tokens": { type: "integer", value: "N", help: "Text that widths are chosen on (16384)" },
    override: {
      type: "string",
      value: "MODULES=N",
      help: "Other bits, e.g. '*.down_proj=8'; repeatable",
      multiple: true,
    },
    keep: { type: "string", value: "MODULES", help: "Left as they are; repeatable", multiple: true },
    "embedding-bits": { type: "integer", value: "N", help: "Round the embedding table too (kept as it is)" },
    "head-bits": { type: "integer", value: "N", help: "Round a head of its own too (kept as it is)" },
    output: { type: "string", value: "DIRECTORY", help: "Where the low-bit model goes", short: "o" },
    "group-size": { type: "integer", value: "N", help: "Inputs that share one scale (64); =-1 for all" },
    symmetric: { type: "boolean", help: "One fixed zero point instead of one per group" },
    range: {
      type: "string",
      value: "RANGE",
      help: "minmax, mse (least error of weights) or output (default of AWQ)",
    },
    "column-order": { type: "string", value: "ORDER", help: "GPTQ: activation (default) or natural" },
    damping: { type: "string", value: "FRACTION", help: "GPTQ: of the mean of the diagonal (0.01)" },
    task: {
      type: "string",
      value: "TASK",
      help: "Whose training problems traces solve: pocket or file:PATH",
    },
    calibration: { type: "string", value: "TEXT", help: "traces (default), task:NAME or a file" },
    "calibration-sequences": { type: "integer", value: "N", help: "Problems or documents for that (128)" },
    pack: { type: "integer", value: "N", help: "Join the texts, cut them into N tokens each" },
    seed: { type: "integer", value: "N", help: "Chooses them (1)" },
    "max-new-tokens": { type: "integer", value: "N", help: "Longest solution the model may write (128)" },
    "dry-run": { type: "boolean", help: "Say what it would cost, and do nothing" },
    threads: { type: "integer", value: "N", help: "CPU threads (default: all)" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: { usage: "MODEL", help: "A model directory, or pocket", minimum: 1, maximum: 1 },
  examples: [
    {
      command: "bitmend quantize pocket --method gptq --bits 3 --output w3",
      does: "3-bit GPTQ, calibrated on the model's own solutions of training problems",
    },
    {
      command: "bitmend quantize my-model --method rtn --bits 4 --group-size 128 -o w4",
      does: "round to nearest, which needs no text",
    },
  ],
  run: async ({ json, positionals: [model], ...values }, context) => {
    using draw = drawEvents(context.terminal, { silent: json });
    const options = {
      model: model!,
      output: required("output", values.output),
      method: required("method", readChoice("method", values.method, methods)),
      bits: readBits("bits", values.bits?.toString()),
      averageBits: readNumber("average-bits", values["average-bits"]),
      mixed: {
        granularity: readChoice("granularity", values.granularity, ["layer", "half", "group", "module"]),
        tokens: values["sensitivity-tokens"],
      },
      overrides: [
        ...values.override.map(readOverride),
        ...values.keep.map((modules) => ({ modules, keep: true as const })),
      ],
      embeddingBits: readBits("embedding-bits", values["embedding-bits"]?.toString()),
      headBits: readBits("head-bits", values["head-bits"]?.toString()),
      groupSize: values["group-size"],
      symmetric: values.symmetric,
      range: readChoice("range", values.range, ["minmax", "mse", "output"]),
      columnOrder: readChoice("column-order", values["column-order"], ["activation", "natural"]),
      dampingFraction: readNumber("damping", values.damping),
      calibration: values.calibration,
      calibrationSequences: values["calibration-sequences"],
      packedLength: values.pack,
      task: values.task,
      seed: values.seed,
      generation: { maxNewTokens: values["max-new-tokens"] },
      threads: values.threads,
    };
    if (values["dry-run"]) {
      const plan = await consume(estimateQuantize(options, context), draw.show);
      if (json) context.write(JSON.stringify(plan));
      else for (const line of planText(plan)) context.write(line);
      return 0;
    }
    const result = await consume(quantize(options, context), draw.show);
    if (json) context.write(JSON.stringify(result));
    else for (const line of resultText(result)) context.write(line);
    return 0;
  },
});

function planText({ variant, estimate, text, besides }: QuantizePlan): string[] {
  const read = text === null ? "" : `, calibrated on at most ${count(text.tokens)} tokens`;
  return [
    `${variant.name}${read}: ${describeCost(estimate)}`,
    estimate.measured
      ? "Told from the shapes of the weights and from what this machine did in two seconds."
      : "Told from the shapes of the weights; so little work that the machine was not measured.",
    ...(besides.length === 0 ? [] : [`Not counted: ${besides.join("; ")}.`]),
  ];
}

const bitsByName = { "2": 2, "3": 3, "4": 4, "8": 8 } as const;
type Bits = (typeof bitsByName)[keyof typeof bitsByName];

function readBits(name: string, value: string | undefined): Bits | undefined {
  const choice = readChoice(name, value, ["2", "3", "4", "8"]);
  return choice === undefined ? undefined : bitsByName[choice];
}

/** `*.down_proj=8`: the pattern may hold anything but ends at the last equals sign. */
function readOverride(text: string): { readonly modules: string; readonly bits: Bits } {
  const end = text.lastIndexOf("=");
  const bits = readBits("override", end === -1 ? "" : text.slice(end + 1))!;
  return { modules: text.slice(0, end), bits };
}

const kinds = ["q", "k", "v", "o", "gate", "up", "down"] as const;

/** One row a layer, one column a linear: what the layer computes wrongly, or where that was not measured its weights. */
function resultText({ directory, variant, calibration, allocation, modules }: QuantizeResult): string[] {
  const isMeasured = calibration !== null;
  const layers = [...Map.groupBy(modules, ({ layer }) => layer)];
  const rows = layers.map(([layer, linears]) => [
    String(layer),
    smallNumber(linears.reduce((sum, { weightError }) => sum + weightError, 0) / linears.length),
    ...kinds.map((kind) => {
      const linear = linears.find(({ module }) => module.endsWith(`.${kind}_proj`));
      const error = isMeasured ? linear?.outputError : linear?.weightError;
      return error === undefined || error === null ? "-" : smallNumber(error);
    }),
  ]);
  const titles = ["layer", "weights", ...kinds];
  const errors = isMeasured ? "output" : "weight";
  return [
    "",
    ...textTable(
      titles.map((title) => ({ title, align: "right" as const })),
      rows,
    ),
    "weights = mean relative squared error of a layer's weights; the other columns",
    `are each linear's relative squared ${errors} error.`,
    ...(isMeasured ? [] : ["The error of outputs is measured on text: name it with --calibration."]),
    ...(allocation === null ? [] : ["", ...widthsTable(allocation)]),
    `${variant.name}: ${directory}`,
  ];
}
