import { consume } from "../../util/consume.ts";
import { serve } from "../../verbs/serve.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";

export const command = defineCommand({
  options: {
    name: { type: "string", value: "NAME", help: "As clients name the model (default: as MODEL is named)" },
    host: { type: "string", value: "ADDRESS", help: "127.0.0.1 (default): this machine only" },
    port: { type: "integer", value: "N", help: "8000 (default); 0 takes a free one" },
    "no-key": { type: "boolean", help: "Serve other machines without a key (see BITMEND_API_KEY)" },
    context: { type: "integer", value: "N", help: "Most tokens of prompt and answer (4096 or the model's)" },
    slots: { type: "integer", value: "N", help: "Completions at a time (32, or what 4 GiB of cache hold)" },
    queue: { type: "integer", value: "N", help: "Completions that may wait; more get 429 (256)" },
    "body-megabytes": { type: "integer", value: "N", help: "Longest request (8)" },
    grace: { type: "integer", value: "SECONDS", help: "For running requests after SIGTERM (10)" },
    int8: { type: "boolean", help: "8-bit activations: faster, answers may depend on company" },
    threads: { type: "integer", value: "N", help: "CPU threads (default: all)" },
  },
  positionals: {
    usage: "MODEL",
    help: "A model directory, full or low-bit, or pocket",
    minimum: 1,
    maximum: 1,
  },
  examples: [
    {
      command: "bitmend serve pocket",
      does: "OpenAI's protocol at http://127.0.0.1:8000/v1, and /metrics, /health",
    },
    {
      command: "BITMEND_API_KEY=secret bitmend serve w4 --host 0.0.0.0",
      does: "for other machines; clients send the key as a bearer token",
    },
  ],
  run: async (
    { positionals: [model], "no-key": allowsAnyone, int8: roundsActivations, ...values },
    context,
  ) => {
    using draw = drawEvents(context.terminal, { silent: false });
    const apiKey = process.env["BITMEND_API_KEY"];
    const { name, host, port, context: longest, slots, queue, threads } = values;
    const options = {
      model: model!,
      name,
      host,
      port,
      slots,
      queue,
      threads,
      allowsAnyone,
      roundsActivations,
      context: longest,
      apiKey: apiKey === "" ? undefined : apiKey,
      bodyMegabytes: values["body-megabytes"],
      graceSeconds: values.grace,
    };
    await consume(serve(options, context), draw.show);
    return 0;
  },
});
