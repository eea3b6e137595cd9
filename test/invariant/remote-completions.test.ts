import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatAnswer, type ReceivedRequest, type ScriptedAnswer, scriptedServer } from "../scripted-server.ts";
import type { GenerationEvent } from "../../src/generation/events.ts";
import { AnswerCache } from "../../src/remote/answer-cache.ts";
import { remoteCompletions, type RemoteGeneration } from "../../src/remote/remote-completions.ts";
import type { RemoteRequest } from "../../src/remote/request-body.ts";
import { TokenUsage } from "../../src/remote/token-usage.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bitmend-remote-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Handler = (request: ReceivedRequest) => ScriptedAnswer;

/** Answers with the question. */
const echo: Handler = ({ body }) => ({ body: chatAnswer(`re: ${question(body)}`) });

function question(body: ReceivedRequest["body"]): string {
  return /"content":"([^"]*)"/u.exec(JSON.stringify(body))?.[1] ?? "";
}

function requests(count: number): RemoteRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `p${index}`,
    prompt: { type: "chat", messages: [{ role: "user", content: `question ${index}` }] },
    seed: index,
  }));
}

async function generation(
  servers: readonly string[],
  more: Partial<RemoteGeneration> = {},
): Promise<RemoteGeneration> {
  return {
    model: { name: "tiny", servers },
    identity: "null",
    sampling: { maxNewTokens: 50, temperature: 0, topP: 1, fields: {} },
    concurrency: 4,
    timeoutMs: 5000,
    cache: await AnswerCache.open(join(folder, "answers.jsonl")),
    usage: new TokenUsage({ prompt: 1_000_000, completion: 2_000_000 }),
    firstPauseMs: 0,
    ...more,
  };
}

/** Texts by id. */
async function ask(
  asked: readonly RemoteRequest[],
  how: RemoteGeneration,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const note = (event: GenerationEvent): void => {
    if (event.type !== "completion") return;
    expect(texts.has(event.id)).toBe(false);
    texts.set(event.id, event.text);
  };
  for await (const event of remoteCompletions(asked, how, { signal })) note(event);
  return texts;
}

function expected(count: number): Map<string, string> {
  return new Map(requests(count).map(({ id }) => [id, `re: question ${id.slice(1)}`]));
}

/** Answers come in any order. */
function byId(texts: Map<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries(texts);
}

describe("one server", () => {
  test("gets model, messages, limit, temperature and seed, and no streaming", async () => {
    await using server = await scriptedServer(echo);
    const how = await generation([server.url]);
    expect(byId(await ask(requests(1), how))).toEqual(byId(expected(1)));
    expect(server.received[0]).toMatchObject({ path: "/v1/chat/completions" });
    expect(server.received[0]?.body).toEqual({
      model: "tiny",
      messages: [{ role: "user", content: "question 0" }],
      max_tokens: 50,
      temperature: 0,
      seed: 0,
    });
    // 10 prompt tokens at 1 and 3 new ones at 2.
    expect(how.usage.report().asked).toEqual({ answers: 1, promptTokens: 10, completionTokens: 3, cost: 16 });
  });

  test("reads base models' completions, with stop strings and further fields", async () => {
    await using server = await scriptedServer(() => ({
      body: { choices: [{ text: " 4", finish_reason: "length" }] },
    }));
    const sampling = { maxNewTokens: 5, temperature: 0.5, topP: 0.9, fields: { top_k: 20, seed: null } };
    const request = { id: "a", seed: 1, prompt: { type: "text", text: "2+2=", stop: ["\n"] } } as const;
    const how = await generation([server.url], { sampling });
    expect(await ask([request], how)).toEqual(new Map([["a", " 4"]]));
    expect(server.received[0]?.path).toBe("/v1/completions");
    expect(server.received[0]?.body).toEqual({
      model: "tiny",
      prompt: "2+2=",
      stop: ["\n"],
      max_tokens: 5,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 20,
    });
    expect(how.usage.report().uncounted).toBe(1);
  });

  test("is never asked more than `concurrency` at once", async () => {
    let running = 0;
    let most = 0;
    await using server = await scriptedServer((request) => {
      most = Math.max(most, ++running);
      setTimeout(() => running--, 10);
      return { ...echo(request), delayMs: 10 };
    });
    expect((await ask(requests(20), await generation([server.url], { concurrency: 3 }))).size).toBe(20);
    expect(most).toBe(3);
  });

  const troubles: readonly (readonly [string, ScriptedAnswer])[] = [
    ["429 without Retry-After", { status: 429, body: { error: { message: "slow down" } } }],
    ["500", { status: 500, body: "oops" }],
    ["503", { status: 503 }],
    ["a cut connection", { cut: "before" }],
    ["half an answer", { body: chatAnswer("half"), cut: "midway" }],
    ["malformed JSON", { body: '{"choices": [' }],
    ["JSON that is no completion", { body: { choices: [] } }],
  ];
  test.each(troubles)("that answers with %s is asked again", async (_, trouble) => {
    await using server = await scriptedServer((request) =>
      request.index % 3 === 1 ? trouble : echo(request),
    );
    const how = await generation([server.url]);
    expect(byId(await ask(requests(6), how))).toEqual(byId(expected(6)));
    expect(how.usage.report().servers[0]).toMatchObject({ answers: 6, givenUp: null });
    expect(how.usage.report().servers[0]?.failures).toBeGreaterThan(0);
  });

  test("that says Retry-After is left alone so long", async () => {
    const times: number[] = [];
    await using server = await scriptedServer((request) => {
      times.push(performance.now());
      return request.index === 0 ? { status: 429, headers: { "Retry-After": "0.2" } } : echo(request);
    });
    await ask(requests(1), await generation([server.url]));
    expect(times[1]! - times[0]!).toBeGreaterThan(195);
  });

  test("that is slower than the timeout is asked again", async () => {
    await using server = await scriptedServer((request) => {
      return { ...echo(request), delayMs: request.index === 0 ? 5000 : 0 };
    });
    const how = await generation([server.url], { timeoutMs: 100 });
    expect(byId(await ask(requests(2), how))).toEqual(byId(expected(2)));
  });

  test("that fails for good is given up, and what it answered is kept", async () => {
    await using server = await scriptedServer((request) =>
      request.index < 3 ? echo(request) : { status: 503 },
    );
    const asking = ask(requests(5), await generation([server.url], { concurrency: 1 }));
    await expect(asking).rejects.toMatchObject({ code: "remote/unreachable" });
    expect(server.received.length).toBe(3 + 8);
    expect(readFileSync(join(folder, "answers.jsonl"), "utf8").trim().split("\n").length).toBe(3);
  });

  test("that always fails on one request ends with that request's name", async () => {
    await using server = await scriptedServer((request) =>
      question(request.body) === "question 2" ? { status: 500, body: { error: "boom" } } : echo(request),
    );
    const asking = ask(requests(9), await generation([server.url], { concurrency: 1 }));
    await expect(asking).rejects.toMatchObject({
      code: "remote/unanswered",
      message: expect.stringContaining('"p2"'),
    });
  });

  test("that knows the token limit by its newer name gets it so", async () => {
    await using server = await scriptedServer((request) =>
      "max_tokens" in request.body
        ? { status: 400, body: { error: { message: "Use 'max_completion_tokens'.", param: "max_tokens" } } }
        : echo(request),
    );
    await ask(requests(1), await generation([server.url]));
    expect(server.received[1]?.body).toMatchObject({ max_completion_tokens: 50 });
  });
});

describe("refusals end at once, and say what to do", () => {
  const cases: readonly (readonly [string, ScriptedAnswer, string])[] = [
    ["a missing key", { status: 401, body: { error: { message: "no key" } } }, "remote/no-access"],
    [
      "a model it does not have",
      { status: 404, body: { error: { message: "no such model" } } },
      "remote/no-model",
    ],
    [
      "a prompt that is too long",
      { status: 400, body: { error: { message: "context length" } } },
      "remote/refused",
    ],
    ["no quota", { status: 429, body: { error: { code: "insufficient_quota" } } }, "remote/no-quota"],
    ["a redirection", { status: 307, headers: { Location: "http://127.0.0.1:9/" } }, "remote/refused"],
    ["a pause of an hour", { status: 429, headers: { "Retry-After": "3600" } }, "remote/unreachable"],
  ];
  test.each(cases)("%s", async (_, answer, code) => {
    await using server = await scriptedServer(() => answer);
    await expect(ask(requests(1), await generation([server.url]))).rejects.toMatchObject({ code });
    expect(server.received.length).toBe(1);
  });

  test("the server's words come without what would move a cursor", async () => {
    await using server = await scriptedServer(() => ({
      status: 400,
      body: { error: { message: "bad\u001B[2J\nthing" } },
    }));
    await expect(ask(requests(1), await generation([server.url]))).rejects.toThrow(
      "status 400: bad [2J thing.",
    );
  });
});

describe("several servers", () => {
  test("share the requests, and whoever is faster answers more", async () => {
    await using slow = await scriptedServer((request) => ({ ...echo(request), delayMs: 40 }));
    await using fast = await scriptedServer((request) => ({ ...echo(request), delayMs: 2 }));
    const how = await generation([slow.url, fast.url], { concurrency: 2 });
    expect(byId(await ask(requests(40), how))).toEqual(byId(expected(40)));
    const [few, many] = how.usage.report().servers;
    expect(few!.answers + many!.answers).toBe(40);
    expect(many!.answers).toBeGreaterThan(2 * few!.answers);
  });

  test("one that dies midway leaves its requests to the others", async () => {
    await using dying = await scriptedServer((request) =>
      request.index < 3 ? echo(request) : { cut: "before" },
    );
    await using alive = await scriptedServer((request) => ({ ...echo(request), delayMs: 5 }));
    const how = await generation([dying.url, alive.url], { concurrency: 2 });
    expect(byId(await ask(requests(60), how))).toEqual(byId(expected(60)));
  });

  test("one that refuses the key or cannot be reached is left out; all of them are an error that names each", async () => {
    await using locked = await scriptedServer(() => ({ status: 401 }));
    await using alive = await scriptedServer((request) => ({ ...echo(request), delayMs: 20 }));
    const gone = "http://127.0.0.1:9/v1";
    const how = await generation([locked.url, gone, alive.url], { concurrency: 1 });
    expect(byId(await ask(requests(12), how))).toEqual(byId(expected(12)));
    const none = await generation([locked.url, gone], {
      cache: await AnswerCache.open(join(folder, "other")),
    });
    await expect(ask(requests(4), none)).rejects.toMatchObject({
      code: "remote/unreachable",
      message: expect.stringMatching(/401[^]*127\.0\.0\.1:9.*ECONNREFUSED/u),
    });
  });
});

describe("answers are kept by content", () => {
  test("stopped and begun again, nothing that was answered is asked twice", async () => {
    await using server = await scriptedServer((request) => ({ ...echo(request), delayMs: request.index }));
    const stop = new AbortController();
    const first = remoteCompletions(requests(20), await generation([server.url]), { signal: stop.signal });
    let seen = 0;
    await expect(async () => {
      for await (const event of first) if (event.type === "completion" && ++seen === 7) stop.abort();
    }).rejects.toThrow("aborted");
    const kept = readFileSync(join(folder, "answers.jsonl"), "utf8").trim().split("\n").length;
    await using other = await scriptedServer(echo);
    const how = await generation([other.url]);
    expect(byId(await ask(requests(20), how))).toEqual(byId(expected(20)));
    expect(other.received.length).toBe(20 - kept);
    expect(how.usage.report()).toMatchObject({ cached: { answers: kept }, asked: { answers: 20 - kept } });
  });

  test("another seed, temperature, model or field is another question; damaged lines are asked again", async () => {
    await using server = await scriptedServer(echo);
    await ask(requests(2), await generation([server.url]));
    const how = await generation([server.url]);
    const asks = async (more: Partial<RemoteGeneration>, seed = 0): Promise<number> => {
      const before = server.received.length;
      await ask([{ ...requests(1)[0]!, seed }], { ...how, ...more });
      return server.received.length - before;
    };
    expect(await asks({})).toBe(0);
    expect(await asks({}, 5)).toBe(1);
    expect(await asks({ sampling: { ...how.sampling, temperature: 0.7 } })).toBe(1);
    expect(await asks({ sampling: { ...how.sampling, fields: { top_k: 3 } } })).toBe(1);
    expect(await asks({ model: { ...how.model, name: "other" } })).toBe(1);
    expect(await asks({ identity: "its size" })).toBe(1);
    const path = join(folder, "answers.jsonl");
    const [first = "", ...others] = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, [first.replace('"text"', '"tex"'), "\u0000nonsense", ...others].join("\n"));
    const again = await AnswerCache.open(path);
    expect(again.damagedLines).toBe(2);
    expect(await asks({ cache: again })).toBe(1);
  });
});

test("thoughts that a server sends apart stand in think tags, open when the limit cut them", async () => {
  const thoughts = { message: { content: "4", reasoning_content: "2+2" } };
  const cut = { message: { content: null, reasoning: "2+" }, finish_reason: "length" };
  await using server = await scriptedServer(({ index }) => ({
    body: chatAnswer("", index === 0 ? thoughts : cut),
  }));
  const texts = await ask(requests(2), await generation([server.url], { concurrency: 1 }));
  expect([...texts.values()]).toEqual(["<think>2+2</think>4", "<think>2+"]);
});
