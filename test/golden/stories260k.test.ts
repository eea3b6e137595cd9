import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generate } from "../../src/generation/generate.ts";
import { loadLanguageModel } from "../../src/generation/language-model.ts";
import { convertLlama2c } from "../../tools/convert-llama2c.ts";

const data = join(import.meta.dirname, "../../../shared/data/checkpoints/stories260k");

describe.skipIf(!existsSync(data))("stories260K (skipped without ../shared/data)", () => {
  test("converted to a Hugging Face directory continues exactly as llama2.c does, 200 greedy steps", async () => {
    const golden = JSON.parse(readFileSync(join(data, "greedy.json"), "utf8")) as {
      bos: number;
      steps: number;
      expected: string;
    };
    const directory = mkdtempSync(join(tmpdir(), "bitmend-stories-"));
    try {
      convertLlama2c(
        { weights: join(data, "stories260K.bin"), tokenizer: join(data, "tok512.bin") },
        directory,
      );
      await using model = await loadLanguageModel(directory, { threads: 1 });
      const request = { id: "story", promptIds: [golden.bos], seed: 0 };
      const events = generate(model, [request], { maxNewTokens: golden.steps });
      for await (const event of events) {
        if (event.type !== "completion") continue;
        expect(event.text).toBe(golden.expected);
        expect(event.tokenIds.length).toBe(golden.steps);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
