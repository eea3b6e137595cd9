import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { consume } from "../../src/util/consume.ts";
import { BitmendError } from "../../src/util/errors.ts";
import { run } from "../../src/verbs/run.ts";
import type { RunRecipeInput } from "../../src/verbs/run-recipe.ts";
import { bitmend, bitmendCommand, execute, type Outcome } from "./bitmend.ts";
import { expectFailure } from "./expect-failure.ts";
import { writeRandomPocketModel } from "./random-pocket-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-bad-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const sound = join(work, "sound");
beforeAll(() => writeRandomPocketModel(sound));

/** A copy of the sound model, to be damaged, and a place for runs that must stay empty. */
let model: string;
let runs: string;
let count = 0;
beforeEach(() => {
  count += 1;
  model = join(work, `model-${count}`);
  runs = join(work, `runs-${count}`);
  cpSync(sound, model, { recursive: true });
});

const recipe = (changes: Partial<RunRecipeInput> = {}): RunRecipeInput => ({
  name: "bad",
  model,
  task: "pocket",
  problems: 4,
  referenceSamples: 0,
  generation: { maxNewTokens: 8 },
  quantization: { groupSize: 32, calibrationSequences: 4, variants: [{ method: "rtn", bits: 4 }] },
  ...changes,
});

/** How `bitmend run` in this process was refused, and whether it had written anything by then. */
async function refusal(input: RunRecipeInput): Promise<unknown> {
  try {
    await consume(run({ recipe: input, runs, threads: 1 }));
  } catch (error) {
    if (!(error instanceof BitmendError)) throw error;
    const { code, hint, message } = error;
    return { code, hint, message, hasWritten: existsSync(runs) };
  }
  return "not refused";
}

/** A refusal with an advice, before anything was written. */
function refused(code: string, message: RegExp = /./u): unknown {
  return { code, hint: expect.any(String), message: expect.stringMatching(message), hasWritten: false };
}

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted();

const setting = (...set: string[]): string[] => set.flatMap((each) => ["--set", each]);

const line = (question: string, split: string): string => JSON.stringify({ question, answer: "1", split });

/** `run` with the sound recipe, as a file. */
const settings = (): string[] => {
  const path = join(work, `recipe-${count}.ts`);
  writeFileSync(path, `export const recipe = ${JSON.stringify(recipe())};`);
  return ["run", path, "--threads", "1"];
};

/** Runs shell lines with a small file system in place of `runs`. */
const onTmpfs = async (size: string, shell: string): Promise<Outcome> => {
  mkdirSync(runs, { recursive: true });
  return execute(["unshare", "-rm", "bash", "-c", `mount -t tmpfs -o size=${size} tmpfs ${runs}; ${shell}`]);
};

describe("damaged weights", () => {
  interface HeaderEntry {
    dtype: string;
    shape: number[];
    data_offsets: [number, number];
  }

  /** Writes model.safetensors anew with a changed header or changed data. */
  function rewrite(
    change: (header: Record<string, HeaderEntry>, data: Uint8Array) => Uint8Array | void,
  ): void {
    const path = join(model, "model.safetensors");
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the lines above
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<string, HeaderEntry>;
    const data = Uint8Array.from(bytes.subarray(8 + length));
    const changed = change(header, data) ?? data;
    const json = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    writeFileSync(path, Buffer.concat([prefix, json, changed]));
  }

  const [norm, down] = ["model.norm.weight", "model.layers.0.mlp.down_proj.weight"];
  const damages: readonly (readonly [what: string, damage: () => void, code: string, message: RegExp])[] = [
    [
      "cut off",
      () => rewrite((_header, data) => data.subarray(0, -100)),
      "checkpoint/bad-safetensors",
      /end|byte/u,
    ],
    [
      "longer than its header says",
      () => rewrite((_header, data) => Buffer.concat([data, Buffer.alloc(64)])),
      "checkpoint/bad-safetensors",
      /byte/u,
    ],
    [
      "with overlapping tensors",
      () => rewrite((header) => void (header[norm]!.data_offsets = [0, 256])),
      "checkpoint/bad-safetensors",
      /overlap|byte/u,
    ],
    [
      "with a misnamed tensor",
      () =>
        rewrite((header) => {
          header["model.nrom.weight"] = header[norm]!;
          delete header[norm];
        }),
      "checkpoint/missing-tensors",
      /model\.norm\.weight/u,
    ],
    [
      "with a tensor of another type",
      () => rewrite((header) => void (header[norm]!.dtype = "I32")),
      "checkpoint/missing-tensors",
      /I32/u,
    ],
    [
      "with a tensor of terabytes",
      () =>
        rewrite((header) => {
          header[down]!.shape = [2 ** 20, 2 ** 20];
          header[down]!.data_offsets = [0, 2 ** 42];
        }),
      "checkpoint/bad-safetensors",
      /byte/u,
    ],
    [
      "with a header of terabytes",
      () => writeFileSync(join(model, "model.safetensors"), Buffer.from("0000000000040000", "hex")),
      "checkpoint/bad-safetensors",
      /header/u,
    ],
    [
      "with NaN",
      () =>
        rewrite(
          (header, data) =>
            void data.fill(0xff, header[norm]!.data_offsets[0], header[norm]!.data_offsets[0] + 8),
        ),
      "checkpoint/not-finite",
      /model\.norm\.weight \(2\)/u,
    ],
    [
      "with missing shards",
      () => {
        rmSync(join(model, "model.safetensors"));
        const index = { metadata: {}, weight_map: { [norm]: "model-00001-of-00002.safetensors" } };
        writeFileSync(join(model, "model.safetensors.index.json"), JSON.stringify(index));
      },
      "checkpoint/missing-shards",
      /model-00001-of-00002/u,
    ],
  ];

  test.each(damages)("a file %s is refused before any work", async (_what, damage, ...expected) => {
    damage();
    expect(await refusal(recipe())).toEqual(refused(...expected));
  });

  test("and the verbs that read a model say the same", async () => {
    rewrite((_header, data) => data.subarray(0, -100));
    const output = join(work, "output");
    const outcomes = await Promise.all([
      bitmend(["inspect", model, "--json"]),
      bitmend(["quantize", model, "--method", "rtn", "--bits", "4", "--output", output]),
      bitmend(["evaluate", model, "--output", output]),
      bitmend(["run", "--set", `model=${model}`, "--runs", runs]),
    ]);
    for (const outcome of outcomes) expectFailure(outcome, "checkpoint/bad-safetensors");
    expect(existsSync(output) || existsSync(runs)).toBe(false);
  });
});

describe("a tokenizer", () => {
  test("with more tokens than the model has is refused", async () => {
    const path = join(model, "tokenizer.json");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own tokenizer file
    const tokenizer = JSON.parse(readFileSync(path, "utf8")) as {
      added_tokens: { id: number; content: string }[];
    };
    tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0]!, id: 9999, content: "<|more|>" });
    writeFileSync(path, JSON.stringify(tokenizer));
    expect(await refusal(recipe())).toEqual(refused("tokenizer/vocabulary-mismatch", /9999/u));
  });

  test("that is not there is refused", async () => {
    rmSync(join(model, "tokenizer.json"));
    expect(await refusal(recipe())).toEqual(refused("files/not-found", /tokenizer\.json/u));
  });
});

describe("settings that cannot work are refused before any work", () => {
  const variants: NonNullable<RunRecipeInput["quantization"]>["variants"] = [{ method: "rtn", bits: 4 }];
  test.each<readonly [string, Partial<RunRecipeInput>, string, RegExp]>([
    [
      "a group size that does not divide",
      { quantization: { groupSize: 48, variants } },
      "verbs/bad-recipe",
      /48.*64/su,
    ],
    [
      "an empty calibration",
      { quantization: { calibrationSequences: 0 } },
      "verbs/bad-recipe",
      /calibrationSequences/u,
    ],
    ["no problems", { problems: 0 }, "verbs/bad-recipe", /problems/u],
    ["a task there is not", { task: "pockets" }, "tasks/unknown", /file:PATH/u],
    ["a model there is not", { model: "/nowhere" }, "verbs/no-model", /pocket/u],
    [
      "a restoration of a variant that is not made",
      { quantization: { groupSize: 32, variants }, qat: [{ bits: 2, steps: 1, learningRate: 1 }] },
      "verbs/bad-recipe",
      /gptq 2/u,
    ],
    [
      "longer texts than the model has room for",
      { generation: { maxNewTokens: 240 } },
      "generation/bad-request",
      /256/u,
    ],
  ])("%s", async (_what, changes, ...expected) => {
    expect(await refusal(recipe(changes))).toEqual(refused(...expected));
  });

  test("on the command line, with every offence and what to do", async () => {
    const bad = (name: string, text: string): string => {
      const path = join(work, name);
      writeFileSync(path, text);
      return path;
    };
    const cases: readonly (readonly [argv: readonly string[], code: string, text: string])[] = [
      [setting("modle=x", "qat.0.setps=3"), "verbs/bad-recipe", "modle"],
      [setting("seed"), "verbs/bad-recipe", "got seed."],
      [setting("quantization.groupSize=48"), "verbs/bad-recipe", "groupSize 48"],
      [["--threads", "0"], "verbs/bad-options", "thread"],
      [[bad("throws.ts", 'throw new Error("broken recipe");')], "verbs/bad-recipe", "broken recipe"],
      [[bad("syntax.ts", "export const recipe = {")], "verbs/bad-recipe", "syntax.ts"],
      [[bad("other.ts", "export const recipes = {};")], "verbs/bad-recipe", "export `recipe`"],
      [[bad("function.ts", "export const recipe = () => ({});")], "verbs/bad-recipe", "plain values"],
      [[join(work, "absent.ts")], "verbs/bad-recipe", "absent.ts"],
    ];
    const outcomes = await Promise.all(
      cases.map(async ([argv]) => bitmend(["run", ...argv, "--set", `model=${model}`, "--runs", runs])),
    );
    for (const [index, [, code, text]] of cases.entries()) {
      expectFailure(outcomes[index]!, code);
      expect(outcomes[index]!.stderr).toContain(text);
    }
    expect(existsSync(runs)).toBe(false);
  });
});

describe("problems of one's own are refused before any work", () => {
  const lines = (split: string, number: number): string[] =>
    Array.from({ length: number }, (_, index) => line(`${split} number ${index}?`, split));
  const cases: readonly (readonly [what: string, lines: readonly string[], code: string])[] = [
    [
      "with evaluation problems among the training problems",
      [...lines("test", 4), ...lines("train", 3), line("TEST  number 2", "train")],
      "training/evaluation-leak",
    ],
    ["with a question twice", [...lines("test", 4), line("test number 1?", "train")], "tasks/duplicate"],
    ["with too few training problems", [...lines("test", 4), ...lines("train", 3)], "tasks/exhausted"],
    [
      "with lines that are no problems",
      [...lines("test", 4), '{"question": 3}', "nonsense"],
      "tasks/malformed",
    ],
  ];
  test.each(cases)("%s", async (_what, content, code) => {
    const path = join(work, `problems-${count}.jsonl`);
    writeFileSync(path, `${content.join("\n")}\n`);
    expect(await refusal(recipe({ task: `file:${path}` }))).toEqual(refused(code));
  });
});

describe("places that cannot be written", () => {
  test("a file in place of the directory of runs", async () => {
    writeFileSync(runs, "mine");
    expectFailure(await bitmend([...settings(), "--runs", runs]), "runs/not-writable");
    expect(readFileSync(runs, "utf8")).toBe("mine");
  });

  test("a limit on the size of files (ulimit): nothing half-written is left, and without the limit the run goes on", async () => {
    const command = bitmendCommand([...settings(), "--runs", runs, "--json"]);
    expectFailure(await execute(["bash", "-c", `ulimit -f 40; exec ${command}`]), "files/disk-full");
    expect(files(runs).filter((name) => /partial|lock$/u.test(name))).toEqual([]);
    expect(await execute(["bash", "-c", command])).toMatchObject({ ended: 0 });
    expect(readdirSync(join(runs, "bad"))).toHaveLength(1);
  });

  describe("a file system of its own", async () => {
    const mounted = await execute(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", work]).catch(
      () => null,
    );
    const isPossible = mounted?.ended === 0;
    const why = isPossible ? "" : " (skipped: this user may not mount one: unshare -rm)";

    test.skipIf(!isPossible)(
      `that is full: a typed error, nothing half-written; with room again it goes on${why}`,
      async () => {
        const command = bitmendCommand([...settings(), "--runs", runs, "--json"]);
        const { ended, stdout, stderr } = await onTmpfs(
          "290k",
          `${command}; echo "first: $?"; find ${runs} -name '*.partial' -o -name lock; ` +
            `mount -o remount,size=64m ${runs}; ${command}; echo "second: $?"; ls ${runs}/bad | wc -l`,
        );
        expect({ ended, stderr }).toEqual({ ended: 0, stderr: expect.stringContaining("[files/disk-full]") });
        expect(stdout.split("\n").filter((text) => !text.startsWith("{"))).toEqual([
          "first: 1",
          "second: 0",
          "1",
          "",
        ]);
      },
    );

    test.skipIf(!isPossible)(`that is full from the start${why}`, async () => {
      const command = bitmendCommand([...settings(), "--runs", runs, "--json"]);
      const fill = `mkdir -p ${runs}/bad; head -c 1m /dev/zero > ${runs}/filler 2> /dev/null`;
      const { stdout, stderr } = await onTmpfs(
        "64k",
        `${fill}; ${command}; echo "ended: $?"; ls -A ${runs}/bad`,
      );
      expect({ stdout, stderr }).toEqual({
        stdout: "ended: 1\n",
        stderr: expect.stringContaining("[files/disk-full]"),
      });
    });

    test.skipIf(!isPossible)(`that is read-only${why}`, async () => {
      const verbs = [
        [...settings(), "--runs", runs],
        ["quantize", model, "--method", "rtn", "--bits", "4", "--output", join(runs, "w4")],
        ["evaluate", model, "--problems", "2", "--output", join(runs, "eval")],
      ].map(bitmendCommand);
      const { stdout, stderr } = await onTmpfs(
        "1m",
        `mount -o remount,ro ${runs}; ${verbs.map((verb) => `${verb}; echo $?`).join("; ")}`,
      );
      expect(stdout).toBe("1\n1\n1\n");
      expect(stderr.match(/\[[a-z]+\/[a-z-]+\]/gu)).toEqual([
        "[runs/not-writable]",
        "[files/read-only]",
        "[files/read-only]",
      ]);
    });
  });
});

describe("damaged records in the directory of an unfinished run", () => {
  const killer = join(import.meta.dirname, "kill-at.ts");

  test.each([
    ["a line that is no record", "completions.jsonl", '{"variant":3}\n', "records/malformed"],
    ["a shard", "models/w4-g32-rtn/model-00001-of-00003.safetensors", "x", "checkpoint/bad-safetensors"],
    ["a record of a quantization", "models/w4-g32-rtn/quantization.json", "{}", "quantization/bad-record"],
  ])("%s is named, with what to do", async (_what, file, ...[content, code]) => {
    const argv = [...settings(), "--runs", runs, "--json"];
    const point = { moment: "append", what: "layer-errors", time: 1 };
    const environment = { BITMEND_KILL_AT: JSON.stringify(point) };
    const killed = await bitmend(argv, { node: ["--import", killer], environment });
    expect(killed.ended).toBe("SIGKILL");
    const damaged = join(runs, "bad", readdirSync(join(runs, "bad"))[0]!, file);
    writeFileSync(damaged, content);
    const outcome = await bitmend(argv);
    expectFailure(outcome, code);
    expect(outcome.stderr).toContain(damaged);
  });
});
