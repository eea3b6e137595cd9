import { consume } from "../../util/consume.ts";
import { count, smallNumber } from "../../report/number-text.ts";
import { exportFormats, exportModel, type ExportResult } from "../../verbs/export.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { readChoice, required } from "../read-value.ts";

export const command = defineCommand({
  options: {
    format: { type: "string", value: "FORMAT", help: exportFormats.join(", ") },
    output: { type: "string", value: "PATH", help: "A new directory; for gguf a file", short: "o" },
    lossy: { type: "boolean", help: "Store the nearest where the format is inexact, and say how near" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: {
    usage: "MODEL",
    help: "A model directory, .gguf file or id of the hub",
    minimum: 1,
    maximum: 1,
  },
  examples: [
    { command: "bitmend export w4 --format gguf -o w4.gguf", does: "a file for llama.cpp, the same numbers" },
    {
      command: "bitmend export w4 --format mlx -o w4-mlx --lossy",
      does: "with the error that rounding brings",
    },
  ],
  run: async ({ json, format, output, lossy, positionals: [model] }, { write, terminal, signal }) => {
    using draw = drawEvents(terminal, { silent: json });
    const options = {
      model: model!,
      format: required("format", readChoice("format", format, exportFormats)),
      output: required("output", output),
      lossy,
    };
    const result = await consume(exportModel(options, { signal }), draw.show);
    if (json) write(JSON.stringify(result));
    else for (const line of resultText(result)) write(line);
    return 0;
  },
});

function resultText({ output, format, bytes, modules, inexact }: ExportResult): string[] {
  const size = `${(bytes / 1e6).toFixed(2)} MB`;
  const head = `${output}: ${format}, ${size}, ${count(modules)} low-bit modules`;
  if (inexact.length === 0) return [`${head}, every number exact`];
  const errors = inexact.map(({ relativeSquaredError }) => relativeSquaredError);
  const worst = inexact.reduce((left, right) =>
    right.relativeSquaredError > left.relativeSquaredError ? right : left,
  );
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return [
    head,
    `${count(inexact.length)} of them are not exact: relative squared weight error ${smallNumber(mean)} on average, ` +
      `at most ${smallNumber(worst.relativeSquaredError)} (${worst.module})`,
    ...(worst.reason === null ? [] : [`why: ${worst.reason}`]),
  ];
}
