import { grade } from "../../verbs/grade.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  options: { json: { type: "boolean", help: "Accepted for symmetry: verdicts are always JSON lines" } },
  positionals: {
    usage: "FILE",
    help: 'JSON lines {"gold", "pred" or "completion"}, optionally "options": {"kind": "math" or "choice"}',
    minimum: 1,
    maximum: 1,
  },
  examples: [
    {
      command: "bitmend grade answers.jsonl",
      does: "a verdict a line, with what was found and what decided",
    },
  ],
  run: async ({ positionals: [file] }, { write }) => {
    for await (const line of grade({ file: file! })) write(JSON.stringify(line));
    return 0;
  },
});
