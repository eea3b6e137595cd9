import { count, percent } from "../../report/number-text.ts";
import { textTable } from "../../report/text-table.ts";
import { methods } from "../../runs/records.ts";
import { consume } from "../../util/consume.ts";
import { evaluate, type EvaluateResult } from "../../verbs/evaluate.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { readChoice, readNumber, required } from "../read-value.ts";
import { readRemoteOptions, remoteOptions, usageText } from "../remote-options.ts";

export const command = defineCommand({
  options: {
    output: {
      type: "string",
      value: "DIRECTORY",
      help: "Where the records go; variants share one",
      short: "o",
    },
    task: { type: "string", value: "TASK", help: "pocket (default), a benchmark, or file:PATH" },
    data: { type: "string", value: "PATH", help: "A benchmark's file or directory (default: from the hub)" },
    problems: { type: "integer", value: "N", help: "Number of problems (all; pocket: 1000)" },
    seed: { type: "integer", value: "N", help: "Chooses them (1)" },
    split: { type: "string", value: "SPLIT", help: "test (default) or validation" },
    variant: { type: "string", value: "NAME", help: "Name in the records (default: by how it was made)" },
    adapter: { type: "string", value: "DIRECTORY", help: "An adapter that belongs to the model" },
    "made-by": {
      type: "string",
      value: "METHOD",
      help: "rtn, gptq, awq or smoothquant, for weights made elsewhere",
    },
    "restored-by": { type: "string", value: "METHOD", help: "qat, dpo, sft or random, likewise" },
    temperature: { type: "string", value: "T", help: "0 is greedy (default)" },
    "top-p": { type: "string", value: "P", help: "Probability mass sampled from (1)" },
    samples: { type: "integer", value: "N", help: "Completions of every problem, with a temperature (1)" },
    "max-new-tokens": { type: "integer", value: "N", help: "Longest solution (2048; pocket: 128)" },
    prompt: { type: "string", value: "FORM", help: "chat, or plain for base models (default: by the model)" },
    thinking: {
      type: "string",
      value: "on|off",
      help: "Of hybrid models (default: as their template has it)",
    },
    "thinking-tokens": {
      type: "integer",
      value: "N",
      help: "Longest thoughts; then the answer is asked for",
    },
    "unsafe-code-execution": {
      type: "boolean",
      help: "Run the model's programs though nothing isolates them",
    },
    slots: { type: "integer", value: "N", help: "Problems solved at once (64); changes only the speed" },
    threads: { type: "integer", value: "N", help: "CPU threads (default: all)" },
    ...remoteOptions,
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: {
    usage: "MODEL",
    help: "A model directory, full or low-bit, pocket, a hub id, or openai:URL#NAME",
    minimum: 1,
    maximum: 1,
  },
  examples: [
    { command: "bitmend evaluate pocket --output eval", does: "full precision on 1,000 test problems" },
    {
      command: "bitmend evaluate w3 --output eval",
      does: "a low-bit copy on the same problems; then: bitmend compare eval",
    },
    {
      command: "bitmend evaluate w3 --adapter w3-dpo --output eval",
      does: "with what `bitmend restore --by dpo` made",
    },
    {
      command: "bitmend evaluate openai:http://localhost:8000/v1#Qwen/Qwen3-8B --output eval",
      does: "a model that vLLM, SGLang, llama.cpp or a vendor serves",
    },
  ],
  run: async ({ json, positionals: [model], ...values }, context) => {
    using draw = drawEvents(context.terminal, { silent: json });
    const options = {
      model: model!,
      output: required("output", values.output),
      task: values.task,
      data: values.data,
      unsafeCodeExecution: values["unsafe-code-execution"],
      problems: values.problems,
      seed: values.seed,
      split: readChoice("split", values.split, ["test", "validation"]),
      variant: values.variant,
      adapter: values.adapter,
      origin: {
        madeBy: readChoice("made-by", values["made-by"], methods),
        restoredBy: readChoice("restored-by", values["restored-by"], ["qat", "dpo", "sft", "random"]),
      },
      generation: {
        temperature: readNumber("temperature", values.temperature),
        topP: readNumber("top-p", values["top-p"]),
        maxNewTokens: values["max-new-tokens"],
        slots: values.slots,
        samples: values.samples,
        prompt: readChoice("prompt", values.prompt, ["chat", "plain"]),
        thinking: readSwitch(readChoice("thinking", values.thinking, ["on", "off"])),
        thinkingTokens: values["thinking-tokens"],
      },
      threads: values.threads,
      remote: readRemoteOptions(values),
    };
    const result = await consume(evaluate(options, context), draw.show);
    if (json) context.write(JSON.stringify(result));
    else for (const line of resultText(result)) context.write(line);
    return 0;
  },
});

function resultText(result: EvaluateResult): string[] {
  const { variant, accuracy, interval, n, degenerate, directory } = result;
  const { task, split, seed } = result.problems;
  const [low, high] = interval;
  const groups = [
    ...result.bySubject.map(([name, right, asked]) => [name, right, asked] as const),
    ...result.byLevel.map(([level, right, asked]) => [`level ${level}`, right, asked] as const),
  ];
  return [
    "",
    `${variant.name}: ${percent(accuracy)} % right (95 % interval ${percent(low)}-${percent(high)})`,
    `${count(n)} problems of ${task}, ${split}, seed ${seed}; ${count(degenerate)} degenerate outputs`,
    ...truncationText(result),
    ...sampledText(result),
    ...(groups.length === 0
      ? []
      : [
          "",
          ...textTable(
            [
              { title: "problems", align: "left", shrinks: true },
              { title: "right", align: "right" },
              { title: "of", align: "right" },
              { title: "%", align: "right" },
            ],
            groups.map(([name, right, asked]) => [name, count(right), count(asked), percent(right / asked)]),
          ),
        ]),
    "",
    ...(result.usage === undefined ? [] : usageText(result.usage)),
    `Records: ${directory}`,
  ];
}

function readSwitch(value: "on" | "off" | undefined): boolean | undefined {
  return value === undefined ? undefined : value === "on";
}

function truncationText({ truncated, thoughtsTruncated }: EvaluateResult): string[] {
  if (truncated === 0) return [];
  const inside = thoughtsTruncated === 0 ? "" : `, ${count(thoughtsTruncated)} of them inside their thoughts`;
  return [`${count(truncated)} completions ended at the token limit${inside}`];
}

function sampledText({ sampled }: EvaluateResult): string[] {
  if (sampled === undefined) return [];
  const { samples, score, passAtK, majorityAtK } = sampled;
  const mean = `mean@${samples} ${percent(score)} %`;
  return [[mean, ...kText("pass", passAtK), ...kText("maj", majorityAtK)].join(", ")];
}

function kText(name: string, values: readonly (readonly [number, number])[]): string[] {
  return values.map(([k, value]) => `${name}@${k} ${percent(value)} %`);
}
