import { consume } from "../../util/consume.ts";
import { exportLog } from "../../verbs/export-log.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { required } from "../read-value.ts";

export const command = defineCommand({
  options: {
    output: { type: "string", value: "DIRECTORY", help: "Where the logs go, a file a variant", short: "o" },
    variant: { type: "string", value: "NAME", help: "Only this one" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: {
    usage: "DIRECTORY",
    help: "A run's directory, or what `bitmend evaluate` wrote",
    minimum: 1,
    maximum: 1,
  },
  examples: [{ command: "bitmend export-log eval -o logs", does: "then: inspect view --log-dir logs" }],
  run: async ({ json, output, variant, positionals: [directory] }, { write, terminal }) => {
    using draw = drawEvents(terminal, { silent: json });
    const options = { directory: directory!, output: required("output", output), variant };
    const result = await consume(exportLog(options), draw.show);
    if (json) write(JSON.stringify(result));
    else for (const file of result.files) write(file);
    return 0;
  },
});
