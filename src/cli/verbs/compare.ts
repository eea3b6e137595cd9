import { comparisonTable, restorationTable } from "../../report/result-tables.ts";
import { variantKind } from "../../report/variant-words.ts";
import { consume } from "../../util/consume.ts";
import { compare } from "../../verbs/compare.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";

export const command = defineCommand({
  options: {
    baseline: { type: "string", value: "VARIANT", help: "What the others are compared with (full)" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: {
    usage: "DIRECTORY [DIRECTORY]",
    help: "A run's or evaluation's directory, or two on the same problems",
    minimum: 1,
    maximum: 2,
  },
  examples: [
    { command: "bitmend compare eval", does: "every variant evaluated there with full precision" },
    {
      command: "bitmend compare eval --baseline w3-g64-gptq",
      does: "what restoration won back and what it broke, problem by problem",
    },
  ],
  run: async ({ json, baseline, positionals: directories }, { terminal, write }) => {
    using draw = drawEvents(terminal, { silent: json });
    const result = await consume(compare({ directories, baseline }), draw.show);
    if (json) write(JSON.stringify(result));
    else {
      const baselineIsFull = result.comparisons.some(
        ({ variant }) => variant.name === result.baseline && variantKind(variant) === "full",
      );
      const restored = baselineIsFull ? restorationTable(result) : [];
      for (const line of [
        "",
        ...comparisonTable(result),
        ...(restored.length === 0 ? [] : ["", ...restored]),
      ])
        write(line);
      write(`Written to ${result.file}`);
    }
    return 0;
  },
});
