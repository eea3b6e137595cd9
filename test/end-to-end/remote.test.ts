/** @file `bitmend evaluate openai:URL#name`: killed and begun again it asks nothing twice; several servers; what people read when it fails. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { chatAnswer, type ReceivedRequest, type ScriptedAnswer, scriptedServer } from "../scripted-server.ts";
import { bitmend } from "./bitmend.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-remote-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const COUNT = 40;
const answers = new Map(
  pocketTask
    .problems({ split: "test", seed: 1, count: COUNT })
    .map((problem) => [problem.question, problem.answer]),
);

/** Solves every problem that it has the key for. */
function solve({ headers, body }: ReceivedRequest): ScriptedAnswer {
  if (headers.authorization !== "Bearer secret")
    return { status: 401, body: { error: { message: "No key." } } };
  const messages = body["messages"] as readonly { readonly content: string }[];
  return { body: chatAnswer(`#### ${answers.get(messages.at(-1)!.content)}`), delayMs: 20 };
}

const environment = { BITMEND_API_KEY_127_0_0_1: "secret" };

/** What the program says when it fails. */
async function complaint(model: string): Promise<string> {
  const options = ["-o", join(work, "failing"), "--problems", "4", "--concurrency", "1"];
  const { stderr, ended } = await bitmend(["evaluate", model, ...options]);
  expect(ended).toBe(1);
  return stderr;
}

describe("a model behind an API", () => {
  test("killed midway and begun again, with another server instead of two, asks nothing twice", async () => {
    const output = join(work, "killed");
    const killed = new AbortController();
    let asked = 0;
    const answer = (request: ReceivedRequest): ScriptedAnswer => {
      if (++asked === COUNT / 2) killed.abort();
      return solve(request);
    };
    await using first = await scriptedServer(answer);
    await using second = await scriptedServer(answer);
    const command = (servers: string): string[] => {
      const settings = ["--problems", String(COUNT), "--concurrency", "2", "--prices", "1,2", "--json"];
      return ["evaluate", `openai:${servers}#tiny`, "-o", output, ...settings];
    };
    await bitmend(command(`${first.url},${second.url}`), { environment, kill: killed.signal });
    const kept = readFileSync(join(output, "answers.jsonl"), "utf8").split("\n").length - 1;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(COUNT);
    await using third = await scriptedServer(solve);
    const finished = await bitmend(command(third.url), { environment });
    expect(JSON.parse(finished.stdout)).toMatchObject({
      n: COUNT,
      variant: { name: "tiny" },
      usage: { asked: { answers: COUNT - kept } },
    });
    expect(third.received.length).toBe(COUNT - kept);
    const again = await bitmend(command(third.url), { environment });
    expect(JSON.parse(again.stdout)).toMatchObject({ n: COUNT, usage: { asked: { answers: 0 } } });
    expect(third.received.length).toBe(COUNT - kept);
    const verdicts = readFileSync(join(output, "verdicts.jsonl"), "utf8").trim().split("\n");
    expect(verdicts.filter((line) => line.includes('"verdict":"correct"')).length).toBe(COUNT);
    // The records hold no key.
    for (const name of ["answers.jsonl", "environment.json", "recipe.json", "variants.jsonl"])
      expect(readFileSync(join(output, name), "utf8")).not.toContain("secret");
  });

  test("a missing key, an unknown model and a server that is not there are told with what to do", async () => {
    await using server = await scriptedServer(solve);
    const keyless = await complaint(`openai:${server.url}#tiny`);
    expect(keyless).toContain("status 401: No key (no key was sent)");
    expect(keyless).toMatch(
      /Put the key in BITMEND_API_KEY_127_0_0_1_\d+ or BITMEND_API_KEY_127_0_0_1 or OPENAI_API_KEY\./u,
    );
    expect(await complaint(`openai:${server.url}#huge`)).toContain("expected huge, but");
    expect(await complaint("openai:localhost:1#tiny")).toContain("expected openai:URL#name");
  });
});
