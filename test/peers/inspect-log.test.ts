/** @file inspect_ai reads the logs that bitmend writes, lists them, and computes the same figures from their samples. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { missingModules, peersPython } from "../../tools/peers/environment.ts";
import { bitmend, execute } from "../end-to-end/bitmend.ts";
import { chatAnswer, scriptedServer } from "../scripted-server.ts";

// An environment of tools/peers/requirements-evaluators.txt.
const given = process.env["BITMEND_EVALUATORS_PYTHON"] ?? "";
const python = given === "" ? await peersPython() : given;
const missing = await missingModules(python, ["inspect_ai"]);

const work = mkdtempSync(join(tmpdir(), "bitmend-inspect-peer-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const COUNT = 30;
const problems = pocketTask.problems({ split: "test", seed: 1, count: COUNT });

/** Prints what Inspect finds in a folder of logs, and what it computes again from the samples. */
const read = `import json, sys
from inspect_ai.log import list_eval_logs, read_eval_log, recompute_metrics
found = []
for info in list_eval_logs(sys.argv[1]):
    log = read_eval_log(info)
    figures = lambda: {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    written = figures()
    recompute_metrics(log)
    found.append({
        "task": info.task, "status": log.status, "model": log.eval.model, "written": written, "computed": figures(),
        "samples": [[s.id, s.epoch, s.target, s.output.completion, s.scores["bitmend"].value, s.scores["bitmend"].answer] for s in log.samples],
    })
print(json.dumps(found))`;

describe.skipIf(missing.length > 0)("logs for Inspect", () => {
  test("are read with the same samples and figures", async () => {
    const texts = new Map(
      problems.map(({ question, answer }, index) => [question, index % 3 === 0 ? "?" : `#### ${answer}`]),
    );
    await using server = await scriptedServer(({ body }) => {
      const messages = body["messages"] as readonly { readonly content: string }[];
      return { body: chatAnswer(texts.get(messages.at(-1)!.content)!) };
    });
    const output = join(work, "evaluation");
    const evaluate = ["evaluate", `openai:${server.url}#tiny`, "-o", output, "--problems", String(COUNT)];
    expect((await bitmend(evaluate)).ended).toBe(0);
    const logs = join(work, "logs");
    expect((await bitmend(["export-log", output, "-o", logs])).ended).toBe(0);
    const reading = await execute([python!, "-c", read, logs]);
    if (reading.ended !== 0) throw new Error(reading.stderr);
    const [log, ...others] = JSON.parse(reading.stdout) as readonly {
      readonly samples: readonly unknown[];
      readonly written: Readonly<Record<string, number>>;
      readonly computed: Readonly<Record<string, number>>;
    }[];
    expect(others).toEqual([]);
    expect(log).toMatchObject({ task: "pocket", status: "success", model: "bitmend/tiny" });
    expect(log!.samples).toEqual(
      problems.map(({ id, answer, question }, index) => {
        const isRight = index % 3 !== 0;
        return [id, 1, answer, texts.get(question), isRight ? "C" : "N", isRight ? answer : null];
      }),
    );
    expect(log!.written["accuracy"]).toBe(20 / COUNT);
    for (const name of ["accuracy", "stderr"]) {
      expect(log!.computed[name]).toBeCloseTo(log!.written[name]!, 12);
    }
  });
});
