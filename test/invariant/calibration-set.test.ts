import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openTask } from "../../src/tasks/open-task.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { type CalibrationSet, writtenCalibration } from "../../src/verbs/calibration-set.ts";
import { describeCalibration } from "../../src/verbs/describe-calibration.ts";
import { shippedModels } from "../../src/verbs/resolve-model.ts";
import { parseRunRecipe, type RunRecipeInput } from "../../src/verbs/run-recipe.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-calibration-"));
afterAll(() => rmSync(work, { recursive: true }));
const model = shippedModels["pocket-small"]!;
const task = openTask("pocket");
const tokenizer = loadTokenizer(model);
const problems = task.problems({ split: "test", seed: 1, count: 20 });

function write(name: string, lines: readonly unknown[]): string {
  const path = join(work, name);
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  writeFileSync(path, text.join("\n"));
  return path;
}

function read(quantization: NonNullable<RunRecipeInput["quantization"]>): CalibrationSet {
  const recipe = parseRunRecipe({ name: "test", model, task: "pocket", quantization });
  const set = writtenCalibration({ recipe, task, problems, model });
  if (set === null) throw new Error("not written");
  return set;
}

describe("writtenCalibration", () => {
  test("worked example: three kinds of lines, each in its form", () => {
    const calibration = write("three.jsonl", [
      { text: "3 + 4 = 7", source: "mine" },
      {
        messages: [
          { role: "user", content: "What?" },
          { role: "assistant", content: "#### 7" },
        ],
      },
      { input_ids: [1, 2, 3] },
    ]);
    const { sequences, record } = read({ calibration });
    const question = tokenizer.applyChatTemplate([{ role: "user", content: "What?" }], {
      addGenerationPrompt: true,
    });
    const prompt = tokenizer.encode(question);
    const answer = tokenizer.encode("#### 7");
    const texts = [[1, 2, 3], tokenizer.encode("3 + 4 = 7"), [...prompt, ...answer]];
    const found = new Set(sequences.map(({ tokenIds }) => tokenIds.join()));
    expect(found).toEqual(new Set(texts.map((tokenIds) => tokenIds.join())));
    const conversation = sequences.find(({ tokenIds }) => tokenIds[0] === prompt[0])!;
    expect(conversation.counted.indexOf(true)).toBe(prompt.length - 1);
    expect(record).toMatchObject({
      kind: "file",
      texts: 3,
      sequences: 3,
      chatTemplate: true,
      packedLength: null,
    });
    expect(describeCalibration(record)).toContain("3 texts; 3 sequences");
  });

  test("packing joins texts by their end tokens and cuts them; what is left is said", () => {
    const [end] = tokenizer.documentFrame.after;
    const calibration = write("pack.jsonl", [{ text: "1" }, { text: "1" }, { text: "1" }]);
    const one = tokenizer.encode("1");
    const { sequences, record } = read({ calibration, packedLength: 2 });
    expect(one).toHaveLength(1);
    expect(sequences).toEqual(
      Array.from({ length: 3 }, () => ({ tokenIds: [...one, end], counted: [true, false] })),
    );
    expect(record).toMatchObject({ texts: 3, sequences: 3, tokens: 6, longest: 2 });
    expect(() => read({ calibration, packedLength: 7 })).toThrow("at least one sequence of 7 tokens");
  });

  test("a plain text is drawn from in pieces", () => {
    const lines = Array.from({ length: 200 }, (_, index) => `${index} apples and ${index} pens.`);
    const calibration = write("long.txt", lines);
    const { sequences, record } = read({ calibration, calibrationSequences: 5, packedLength: 32 });
    expect(sequences.map(({ tokenIds }) => tokenIds.length)).toEqual([32, 32, 32, 32, 32]);
    expect(record).toMatchObject({ kind: "file", chatTemplate: false, sequences: 5, tokens: 160 });
  });

  test("reference solutions of a task, in the chat template, none nearly an evaluation problem", () => {
    const { sequences, record } = read({ calibration: "task:pocket", calibrationSequences: 8 });
    expect(record).toMatchObject({ kind: "task", name: "pocket", sequences: 8, chatTemplate: true });
    expect(tokenizer.decode(sequences[0]!.tokenIds)).toContain("####");
  });

  test("evaluation problems are refused, wherever they stand in a file", () => {
    const { question } = problems[3]!;
    const other = { id: "x", text: `Consider this. ${question.replace(/^\w+/u, "Zed")} And so on.` };
    for (const lines of [[{ text: "fine" }, { text: `Q: ${question}\nA: 7` }], [other]]) {
      expect(() => read({ calibration: write("leak.jsonl", lines) })).toThrow(
        expect.objectContaining({ code: "training/evaluation-leak" }),
      );
    }
    expect(() => read({ calibration: write("leak.txt", ["Fine.", question, "Fine."]) })).toThrow(
      "leak.txt = pocket-",
    );
  });

  test("lines of another kind, empty files and missing ones are refused", () => {
    const foreign = write("foreign.jsonl", [{ input_ids: [1, 5000] }]);
    expect(() => read({ calibration: foreign })).toThrow("got 5000");
    const bad = write("bad.jsonl", [{ text: "fine" }, "{", { question: "?" }, { input_ids: [-1] }]);
    expect(() => read({ calibration: bad })).toThrow("line 2, line 3, line 4");
    expect(() => read({ calibration: write("empty.txt", ["", " "]) })).toThrow("expected text in");
    expect(() => read({ calibration: join(work, "none.txt") })).toThrow("none.txt");
  });
});
