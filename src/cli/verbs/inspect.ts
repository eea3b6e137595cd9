import { consume } from "../../util/consume.ts";
import { count } from "../../report/number-text.ts";
import { textTable } from "../../report/text-table.ts";
import { inspect, type Inspection } from "../../verbs/inspect.ts";
import { defineCommand } from "../command.ts";
import { drawEvents } from "../draw-events.ts";

export const command = defineCommand({
  options: { json: { type: "boolean", help: "Print one JSON object" } },
  positionals: {
    usage: "MODEL",
    help: "A model directory, .gguf file, id of the hub, or pocket",
    minimum: 1,
    maximum: 1,
  },
  examples: [
    { command: "bitmend inspect pocket", does: "every tensor of the model that ships with bitmend" },
  ],
  run: async ({ json, positionals: [directory] }, { write, terminal, signal }) => {
    using draw = drawEvents(terminal, { silent: json });
    const inspection = await consume(inspect({ directory: directory! }, { signal }), draw.show);
    if (json) write(JSON.stringify(inspection));
    else for (const line of inspectionText(inspection)) write(line);
    return inspection.tensors.some(({ notFinite }) => notFinite > 0) ? 1 : 0;
  },
});

function inspectionText(inspection: Inspection): string[] {
  const { modelType, parameters, bytes, bitsPerParameter, layers, hiddenSize, heads } = inspection;
  const megabytes = (bytes / 1e6).toFixed(2);
  const bits = bitsPerParameter.toFixed(2);
  const damaged = inspection.tensors.filter(({ notFinite }) => notFinite > 0);
  return [
    `${inspection.directory}: ${modelType}, ${inspection.format ?? "full precision"}, ${count(parameters)} parameters, ${megabytes} MB, ${bits} bits a parameter`,
    `${layers} layers, hidden ${hiddenSize}, ${heads} heads over ${inspection.keyValueHeads} key/value heads, vocabulary ${inspection.vocabularySize}`,
    ...(inspection.unexpectedTensors.length > 0
      ? [`not used by the model: ${inspection.unexpectedTensors.join(", ")}`]
      : []),
    ...(damaged.length > 0
      ? [`NaN or infinite values in: ${damaged.map(({ name }) => name).join(", ")}`]
      : []),
    "",
    ...textTable(
      [
        { title: "tensor", align: "left", shrinks: true },
        { title: "shape", align: "right" },
        { title: "type", align: "left" },
        { title: "min", align: "right" },
        { title: "max", align: "right" },
        { title: "std", align: "right" },
        { title: "kurt", align: "right" },
      ],
      inspection.tensors.map((tensor) => [
        tensor.name.replace(/^model\.layers\./u, "").replace(/\.weight$/u, ""),
        tensor.shape.join("x"),
        tensor.type,
        tensor.minimum.toFixed(3),
        tensor.maximum.toFixed(3),
        tensor.standardDeviation.toFixed(4),
        tensor.kurtosis.toFixed(1),
      ]),
    ),
  ];
}
