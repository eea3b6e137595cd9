import { detailLines, powerLines, runTable, sampleTable } from "../../report/comparison-tables.ts";
import { restorationTable } from "../../report/result-tables.ts";
import { variantKind } from "../../report/variant-words.ts";
import { consume } from "../../util/consume.ts";
import { BitmendError } from "../../util/errors.ts";
import { compare, type CompareResult } from "../../verbs/compare.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { readNumber } from "../read-value.ts";

export const command = defineCommand({
  options: {
    baseline: {
      type: "string",
      value: "NAME",
      help: "What the others are compared with (full, or the first)",
    },
    metric: { type: "string", value: "NAME", help: "Which score of another tool's log counts (its first)" },
    difference: { type: "string", value: "POINTS", help: "State what it takes to find this difference (1)" },
    tokenizer: { type: "string", value: "MODEL", help: "Say at which of its tokens texts part (characters)" },
    details: { type: "boolean", help: "Subjects, levels and texts of every run, not only of a single one" },
    output: { type: "string", short: "o", value: "FILE", help: "Write all of it as JSON" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: {
    usage: "RUN [RUN ...]",
    help: "Directories of bitmend, samples of lm-evaluation-harness (file or directory), logs of Inspect",
    minimum: 1,
    maximum: 50,
  },
  examples: [
    { command: "bitmend compare eval", does: "every variant evaluated there with full precision" },
    {
      command: "bitmend compare eval --baseline w3-g64-gptq",
      does: "what restoration won back and what it broke, problem by problem",
    },
    {
      command: "bitmend compare samples_gsm8k_A.jsonl samples_gsm8k_B.jsonl",
      does: "two runs of lm-evaluation-harness; Inspect's .eval and .json logs alike",
    },
  ],
  run: async ({ json, details, difference, positionals: paths, ...options }, { terminal, write }) => {
    using draw = drawEvents(terminal, { silent: json });
    const result = await consume(
      compare({
        ...options,
        paths,
        difference: fractionOf(difference),
      }),
      draw.show,
    );
    if (json) write(JSON.stringify(result));
    else for (const line of lines(result, details)) write(line);
    return 0;
  },
});

function fractionOf(text: string | undefined): number | undefined {
  const value = readNumber("difference", text);
  if (value === undefined || (value > 0 && value <= 100))
    return value === undefined ? undefined : value / 100;
  throw new BitmendError(
    "cli/usage",
    `Option --difference needs points above 0 and at most 100, got ${value}.`,
  );
}

function lines({ runs, comparisons, baseline, file }: CompareResult, details: boolean): string[] {
  const baselineIsFull = comparisons.some(
    ({ variant }) => variant.name === baseline && variantKind(variant) === "full",
  );
  const others = runs.slice(1);
  const described = details || others.length === 1 ? others : [];
  const parts = [
    runTable(runs),
    sampleTable(runs),
    ...described.map((run) => [
      ...(others.length > 1 ? [`${run.name}:`] : []),
      ...detailLines(runs[0]!, run),
    ]),
    baselineIsFull ? restorationTable({ comparisons }) : [],
    details || others.length === 1 ? powerLines(runs) : powerLines(others.slice(0, 1)),
    file === null ? [] : [`Written to ${file}`],
  ];
  return parts.flatMap((part) => (part.length === 0 ? [] : ["", ...part]));
}
