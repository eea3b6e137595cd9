import { count } from "../../report/number-text.ts";
import { consume } from "../../util/consume.ts";
import { pull } from "../../verbs/pull.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";

export const command = defineCommand({
  options: { json: { type: "boolean", help: "Print the result as one JSON object" } },
  positionals: { usage: "ID", help: "org/name, org/name@revision, or org/name:PART", minimum: 1, maximum: 1 },
  examples: [
    { command: "bitmend pull Qwen/Qwen3-0.6B", does: "into the cache that all Hugging Face tools share" },
    { command: "bitmend pull org/name-GGUF:Q4_0", does: "the one GGUF file with Q4_0 in its name" },
  ],
  run: async ({ json, positionals: [id] }, { write, terminal, signal }) => {
    using draw = drawEvents(terminal, { silent: json });
    const pulled = await consume(pull({ id: id! }, { signal }), draw.show);
    if (json) write(JSON.stringify(pulled));
    else {
      const { path, files, bytes, fetchedBytes, commit } = pulled;
      write(path);
      write(`${count(files)} files, ${megabytes(bytes)}, ${megabytes(fetchedBytes)} of it fetched now`);
      write(`commit ${commit}`);
    }
    return 0;
  },
});

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
