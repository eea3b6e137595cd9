import { count } from "../../report/number-text.ts";
import { methods } from "../../runs/records.ts";
import { consume } from "../../util/consume.ts";
import { restore, type RestoreResult } from "../../verbs/restore.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { readChoice, required } from "../read-value.ts";

export const command = defineCommand({
  options: {
    quantized: { type: "string", value: "DIRECTORY", help: "The low-bit copy of MODEL to restore" },
    by: { type: "string", value: "WAY", help: "qat, dpo, or dpo's controls sft and random" },
    output: {
      type: "string",
      value: "DIRECTORY",
      help: "Where the restored model, or adapter, goes",
      short: "o",
    },
    set: {
      type: "string",
      value: "NAME=VALUE",
      multiple: true,
      help: "Change one setting (docs/recipes.md)",
    },
    task: { type: "string", value: "TASK", help: "Learn from its training problems: pocket or file:PATH" },
    seed: { type: "integer", value: "N", help: "Chooses them and their order (1)" },
    "max-new-tokens": { type: "integer", value: "N", help: "Longest solution the models may write (128)" },
    "made-by": {
      type: "string",
      value: "METHOD",
      help: "rtn, gptq, awq or smoothquant, for low-bit weights made elsewhere",
    },
    threads: { type: "integer", value: "N", help: "CPU threads (default: all)" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: { usage: "MODEL", help: "The full-precision model, or pocket", minimum: 1, maximum: 1 },
  examples: [
    {
      command: "bitmend restore pocket --quantized w2 --by qat -o w2-qat --set steps=600",
      does: "distil the full model into the low-bit weights; settings: steps, learningRate, batchSize, problems, scaleRate, embeddingRate",
    },
    {
      command: "bitmend restore pocket --quantized w3 --by dpo -o w3-dpo --set pairs=545",
      does: "an adapter from preference pairs; settings: pairs, candidates, epochs, batchSize, rank, beta, scope, chosenWeight, learningRate, imitationLearningRate",
    },
  ],
  run: async ({ json, set, positionals: [model], ...values }, context) => {
    using draw = drawEvents(context.terminal, { silent: json });
    const options = {
      model: model!,
      quantized: required("quantized", values.quantized),
      by: required("by", readChoice("by", values.by, ["qat", "dpo", "sft", "random"])),
      output: required("output", values.output),
      settings: set,
      task: values.task,
      seed: values.seed,
      generation: { maxNewTokens: values["max-new-tokens"] },
      origin: { madeBy: readChoice("made-by", values["made-by"], methods) },
      threads: values.threads,
    };
    const result = await consume(restore(options, context), draw.show);
    if (json) context.write(JSON.stringify(result));
    else for (const line of resultText(result)) context.write(line);
    return 0;
  },
});

function resultText({ directory, variant, evaluate, pairs }: RestoreResult): string[] {
  const { model, adapter } = evaluate;
  return [
    "",
    `${variant.name}: ${directory}${pairs === null ? "" : ` (from ${count(pairs)} pairs)`}`,
    "Measure it with:",
    `  bitmend evaluate ${model}${adapter === null ? "" : ` --adapter ${adapter}`} --output DIRECTORY`,
  ];
}
