import { join } from "node:path";
import { comparisonTable, errorTable, restorationTable } from "../../report/result-tables.ts";
import { readRun } from "../../report/run-records.ts";
import { duration, percent } from "../../report/number-text.ts";
import { consume } from "../../util/consume.ts";
import { loadRecipe } from "../../verbs/load-recipe.ts";
import { run, type RunResult } from "../../verbs/run.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { wrap } from "../help.ts";

export const command = defineCommand({
  options: {
    seed: { type: "integer", value: "N", help: "Draw other problems (same as --set seed=N)" },
    problems: { type: "integer", value: "N", help: "Measure on N problems (same as --set problems=N)" },
    set: { type: "string", value: "PATH=VALUE", multiple: true, help: "Change one setting of the recipe" },
    runs: { type: "string", value: "DIRECTORY", help: "Where runs are kept (default: runs)" },
    threads: { type: "integer", value: "N", help: "CPU threads (default: all)" },
    fresh: { type: "boolean", help: "Start anew instead of going on with an unfinished run" },
    json: { type: "boolean", help: "Print the summary as one JSON object" },
  },
  positionals: {
    usage: "[RECIPE]",
    help: "A recipe file; without it the recipe of the shipped pocket model",
    minimum: 0,
    maximum: 1,
  },
  examples: [
    { command: "bitmend run", does: "the whole story on the model that ships with bitmend" },
    { command: "bitmend run --problems 200 --seed 7", does: "the same on 200 other problems" },
    { command: "bitmend run my-recipe.ts --json", does: "your own recipe, for a machine to read" },
  ],
  run: async ({ seed, problems, set, runs, threads, fresh, json, positionals: [file] }, context) => {
    const changes = [
      ...(seed === undefined ? [] : [`seed=${seed}`]),
      ...(problems === undefined ? [] : [`problems=${problems}`]),
    ];
    const recipe = await loadRecipe(file, [...changes, ...set]);
    using draw = drawEvents(context.terminal, { silent: json });
    const result = await consume(run({ recipe, runs, threads, fresh }, context), draw.show);
    if (json) context.write(JSON.stringify(result.summary));
    else for (const line of resultText(result)) context.write(line);
    return 0;
  },
});

function resultText({ directory, summary }: RunResult): string[] {
  const records = readRun(directory);
  const { failures, stepAgreement, typeAgreement } = summary.diagnosis;
  return [
    "",
    ...comparisonTable(records),
    "",
    ...restorationTable(records),
    "",
    ...errorTable(records),
    "",
    ...wrap(
      `${failures} failing solutions diagnosed${
        stepAgreement === null || typeAgreement === null
          ? ""
          : `; against the generator's truth the step is right in ${percent(stepAgreement)} %, the type in ${percent(typeAgreement)} %`
      }`,
      80,
    ),
    `${duration(summary.seconds)}, ${(summary.peakMemoryBytes / 2 ** 30).toFixed(1)} GiB at most`,
    `Report: ${join(directory, "report.html")}`,
  ];
}
