import { count, fixed } from "../../report/number-text.ts";
import { consume } from "../../util/consume.ts";
import { perplexity } from "../../verbs/perplexity.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";
import { required } from "../read-value.ts";

export const command = defineCommand({
  options: {
    text: { type: "string", value: "FILE", help: "Plain text, or .jsonl of text, messages or input_ids" },
    length: { type: "integer", value: "N", help: "Tokens of each piece it is cut into (2048)" },
    sequences: { type: "integer", value: "N", help: "At most so many pieces, from the beginning" },
    threads: { type: "integer", value: "N", help: "CPU threads (default: all)" },
    json: { type: "boolean", help: "Print the result as one JSON object" },
  },
  positionals: {
    usage: "MODEL",
    help: "A model directory, full or low-bit, or pocket",
    minimum: 1,
    maximum: 1,
  },
  examples: [
    {
      command: "bitmend perplexity w4 --text wiki.txt --length 2048",
      does: "how well a low-bit model predicts a text; compare with the full model's",
    },
  ],
  run: async ({ json, positionals: [model], ...values }, context) => {
    using draw = drawEvents(context.terminal, { silent: json });
    const { length, sequences, threads } = values;
    const options = { model: model!, text: required("text", values.text), length, sequences, threads };
    const result = await consume(perplexity(options, context), draw.show);
    if (json) context.write(JSON.stringify(result));
    else {
      const { meanLoss, standardError, tokens } = result;
      const pieces = `${count(result.sequences)} sequences of ${count(result.length)} tokens`;
      context.write(`Perplexity ${fixed(result.perplexity, 3)} on ${count(tokens)} tokens, ${pieces}`);
      context.write(
        `mean loss ${fixed(meanLoss, 4)} nats a token, standard error ${fixed(standardError, 4)}`,
      );
    }
    return 0;
  },
});
