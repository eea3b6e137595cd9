/** @file `bitmend serve` as clients see it: OpenAI's own package, plain HTTP where that package cannot do wrong, and many at once. */
import { request } from "node:http";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownAnswers, putLoad, type KnownAnswer } from "../../bench/serving/load.ts";
import { startServerProcess, type ServerProcess } from "../../bench/serving/server-process.ts";
import { generate } from "../../src/generation/generate.ts";
import { loadLanguageModel, type LanguageModel } from "../../src/generation/language-model.ts";
import { scoreTokens } from "../../src/generation/score-tokens.ts";
import { bitmend } from "./bitmend.ts";
import { skipped, testModel } from "./test-model.ts";

const model = testModel ?? "";
const name = "tiny";
const question = "Tom has 3 apples and buys 4 more. How many apples?";
const prompt = `<|user|>${question}<|assistant|>`;

/** The error that a call is refused with. */
async function refusal(call: PromiseLike<unknown>): Promise<{ status: number; code: string }> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    return { status: error.status as number, code: String(error.code) };
  }
  throw new Error("it was not refused");
}

describe.skipIf(testModel === null)(`serve${skipped}`, () => {
  let server: ServerProcess;
  let reference: LanguageModel;
  let answers: readonly KnownAnswer[];
  beforeAll(async () => {
    reference = await loadLanguageModel(model, { threads: 1 });
    answers = await knownAnswers(reference, 40);
    server = await startServerProcess([model, "--name", name, "--threads", "2", "--slots", "8"]);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await reference[Symbol.asyncDispose]();
  });

  /** What `generate()` says. */
  async function ours(sampling: object, seed: number, maxNewTokens: number): Promise<string> {
    const requests = [{ id: "0", promptIds: reference.tokenizer.encode(prompt), seed }];
    for await (const event of generate(reference, requests, { maxNewTokens, sampling }))
      if (event.type === "completion") return event.text;
    throw new Error("no completion");
  }

  /** Status and body of a request that the package would not send. */
  async function raw(path: string, options: RequestInit = {}): Promise<{ status: number; body: unknown }> {
    const response = await fetch(new URL(path, server.url), options);
    return { status: response.status, body: await response.json() };
  }

  test("models: the one there is, by its name", async () => {
    const listed: string[] = [];
    for await (const { id } of server.client.models.list()) listed.push(id);
    expect(listed).toEqual([name]);
    expect((await server.client.models.retrieve(name)).id).toBe(name);
    expect(await refusal(server.client.models.retrieve("other"))).toEqual({
      status: 404,
      code: "model_not_found",
    });
  });

  test("completions: the tokens of generate(), greedy and sampled, for texts, lists and token ids", async () => {
    const greedy = { model: name, temperature: 0, max_tokens: 60 };
    const expected = await ours({}, 0, 60);
    const one = await server.client.completions.create({ ...greedy, prompt });
    expect(one.choices[0]).toEqual({ index: 0, text: expected, logprobs: null, finish_reason: "stop" });
    expect(one.usage!.prompt_tokens).toBe(reference.tokenizer.encode(prompt).length);
    const ids = reference.tokenizer.encode(prompt);
    const many = await server.client.completions.create({ ...greedy, prompt: [ids, ids.slice(0, 3)], n: 2 });
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(many.choices.slice(0, 2).map(({ text }) => text)).toEqual([expected, expected]);
    const sampling = { temperature: 1, topP: 0.9 };
    const drawn = { model: name, temperature: 1, top_p: 0.9, seed: 7, max_tokens: 60, prompt };
    const sampled = await server.client.completions.create({ ...drawn, n: 2 });
    expect(sampled.choices[0]!.text).toBe(await ours(sampling, 7, 60));
    expect((await server.client.completions.create(drawn)).choices[0]!.text).toBe(sampled.choices[0]!.text);
  });

  test("completions: echo and log probabilities of every token, those of scoreTokens()", async () => {
    const ids = reference.tokenizer.encode(prompt);
    const body = { model: name, prompt: ids, echo: true, logprobs: 3, temperature: 0 };
    const { choices } = await server.client.completions.create({ ...body, max_tokens: 0 });
    const [{ text, logprobs }] = choices as [(typeof choices)[number]];
    expect(text).toBe(prompt);
    expect(logprobs!.tokens!.join("")).toBe(prompt);
    expect(logprobs!.token_logprobs![0]).toBeNull();
    const scored = [{ id: "0", promptIds: ids.slice(0, 1), tokenIds: ids.slice(1) }];
    for await (const { logProbabilities } of scoreTokens(reference, scored))
      expect(logprobs!.token_logprobs!.slice(1)).toEqual([...logProbabilities]);
    for (const [place, likeliest] of logprobs!.top_logprobs!.entries()) {
      if (likeliest === null) continue;
      expect(likeliest[logprobs!.tokens![place]!]).toBe(logprobs!.token_logprobs![place]);
      expect(prompt.startsWith(logprobs!.tokens![place]!, logprobs!.text_offset![place])).toBe(true);
    }
    // One new token has one more entry, whether it ends the text or not: lm-evaluation-harness counts on it.
    const whole = await server.client.completions.create({ ...body, max_tokens: 60 });
    const { length } = whole.choices[0]!.logprobs!.tokens!;
    expect(length).toBe(ids.length + whole.usage!.completion_tokens);
    expect(whole.choices[0]!.logprobs!.tokens!.at(-1)).toBe("<|end|>");
  });

  test("chat: whole and streamed are one answer, with stop, usage and log probabilities", async () => {
    const body = {
      model: name,
      messages: [{ role: "user" as const, content: question }],
      temperature: 0,
      max_completion_tokens: 60,
    };
    const expected = await ours({}, 0, 60);
    const whole = await server.client.chat.completions.create({ ...body, logprobs: true, top_logprobs: 2 });
    expect(whole.choices[0]!.message).toEqual({ role: "assistant", content: expected, refusal: null });
    expect(whole.choices[0]!.logprobs!.content!).toHaveLength(whole.usage!.completion_tokens);
    const options = { ...body, stream: true as const, stream_options: { include_usage: true } };
    let [text, finish] = ["", ""];
    for await (const chunk of await server.client.chat.completions.create(options)) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish += chunk.choices[0]?.finish_reason ?? "";
      if (chunk.choices.length === 0) expect(chunk.usage).toEqual(whole.usage);
    }
    expect([text, finish]).toEqual([expected, "stop"]);
    const stop = expected.slice(5, 8);
    const cut = await server.client.chat.completions.create({ ...body, stop: [stop, "never"] });
    expect(cut.choices[0]!.message.content).toBe(expected.slice(0, expected.indexOf(stop)));
  });

  test("what cannot be answered is refused in OpenAI's shape, and the server lives on", async () => {
    const { client } = server;
    const body = { model: name, prompt, max_tokens: 4 };
    const invalid = { status: 400, code: "invalid_value" };
    expect(await refusal(client.completions.create({ ...body, temperature: -1 }))).toEqual(invalid);
    expect(await refusal(client.completions.create({ ...body, presence_penalty: 1 }))).toEqual(invalid);
    expect(await refusal(client.completions.create({ ...body, prompt: [] }))).toEqual(invalid);
    const nonsense = { ...body, madeUp: true } as typeof body;
    expect(await refusal(client.completions.create(nonsense))).toEqual(invalid);
    const long = { status: 400, code: "context_length_exceeded" };
    expect(await refusal(client.completions.create({ ...body, max_tokens: 5000 }))).toEqual(long);
    expect(await refusal(client.completions.create({ ...body, prompt: "a".repeat(100_000) }))).toEqual(long);
    expect((await refusal(client.completions.create({ ...body, prompt: "" }))).status).toBe(400);
    expect((await refusal(client.completions.create({ ...body, prompt: [9999] }))).status).toBe(400);
    expect(
      (await refusal(client.completions.create({ ...body, n: 128, prompt: Array(9).fill("a") }))).status,
    ).toBe(400);
    const other = { ...body, model: "other" };
    expect(await refusal(client.completions.create(other))).toEqual({ status: 404, code: "model_not_found" });
    expect(await raw("/v1/completions", { method: "POST", body: "{" })).toMatchObject({
      status: 400,
      body: { error: { type: "invalid_request_error", param: null, code: "serving/bad-json" } },
    });
    expect((await raw("/v1/completions", { method: "POST", body: "x".repeat(9 * 2 ** 20) })).status).toBe(
      413,
    );
    expect((await raw("/v1/completions")).status).toBe(405);
    expect((await raw("/v1/nothing")).status).toBe(404);
    expect((await client.completions.create(body)).choices).toHaveLength(1);
  });

  test("a page of another site that points its name here is not answered", async () => {
    const { port } = new URL(server.url);
    const status = await new Promise((resolve) => {
      const sent = request({ port, path: "/v1/models", headers: { Host: "evil.example:80" } }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
      sent.end();
    });
    expect(status).toBe(403);
  });

  test("clients that go away in the middle free their slots", async () => {
    const asked = { model: name, prompt, max_tokens: 200, temperature: 1 };
    const streams = Array.from({ length: 16 }, async () => {
      const body = { ...asked, stream: true as const, ignore_eos: true };
      const stream = await server.client.completions.create(body);
      for await (const chunk of stream) if (chunk.choices.length > 0) break;
    });
    await Promise.all(streams);
    await expect.poll(async () => server.metric("bitmend_running"), { timeout: 5000 }).toBe(0);
    expect(await server.metric("bitmend_waiting")).toBe(0);
    const left = `bitmend_requests_total{endpoint="/v1/completions",status="499"}`;
    expect(await server.metric(left)).toBeGreaterThan(0);
  });

  test("200 clients for 10 seconds: no answer lost or mixed up", async () => {
    const result = await putLoad({
      client: server.client,
      modelName: name,
      answers,
      clients: 200,
      seconds: 10,
      residentBytes: async () => server.metric("process_resident_memory_bytes"),
    });
    expect(result.errors).toEqual([]);
    expect(result.wrong).toEqual([]);
    expect(result.answered).toBeGreaterThan(200);
    expect(result.vanished).toBeGreaterThan(0);
    expect(Math.max(...result.residentBytes)).toBeLessThan(1.5 * 2 ** 30);
    await expect.poll(async () => server.metric("bitmend_running"), { timeout: 5000 }).toBe(0);
  });
});

describe.skipIf(testModel === null)(`serve, its doors${skipped}`, () => {
  test("a full queue says 429, a key is asked for, SIGTERM lets running requests finish", async () => {
    const argv = [model, "--name", name, "--threads", "1", "--slots", "2", "--queue", "2"];
    await using server = await startServerProcess(argv, { BITMEND_API_KEY: "sesame" });
    const stranger = new OpenAI({ baseURL: server.url, apiKey: "wrong", maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401, code: "invalid_api_key" });
    expect((await fetch(server.url.replace(/v1$/u, "metrics"))).status).toBe(401);
    expect(await (await fetch(server.url.replace(/v1$/u, "health"))).json()).toEqual({ status: "ok" });
    const body = { model: name, prompt, max_tokens: 200, temperature: 0, ignore_eos: true };
    const eight = Array.from({ length: 8 }, async () => server.client.completions.create(body));
    const settled = await Promise.allSettled(eight);
    const refused = settled.filter(({ status }) => status === "rejected");
    // Two run and two wait; on a slow day the last ones come when the first are done.
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(5);
    expect(refused[0]).toMatchObject({ reason: { status: 429, code: "rate_limit_exceeded" } });
    const running = await server.client.completions.create({ ...body, stream: true });
    const iterator = running[Symbol.asyncIterator]();
    await iterator.next();
    const ended = server.end("SIGTERM");
    const ends: unknown[] = [];
    for await (const { choices } of { [Symbol.asyncIterator]: () => iterator })
      ends.push(choices[0]?.finish_reason ?? "goes on");
    expect(ends.at(-1)).toBe("length");
    expect((await ended).ended).toBe(0);
  });

  test("after the grace time running requests are cut off, and told so", async () => {
    const argv = [model, "--name", name, "--threads", "1", "--grace", "0"];
    await using server = await startServerProcess(argv);
    const body = { model: name, prompt, max_tokens: 200, ignore_eos: true, stream: true as const };
    const streams = await Promise.all(
      Array.from({ length: 24 }, async () => server.client.completions.create(body)),
    );
    const read = streams.map(async (stream) => {
      for await (const chunk of stream) if (chunk.choices[0]?.finish_reason === "length") return "finished";
      return "ended";
    });
    const ended = server.end("SIGTERM");
    const fates = await Promise.allSettled(read);
    const cut = fates.filter(({ status }) => status === "rejected");
    expect(cut.length).toBeGreaterThan(0);
    expect(String((cut[0] as PromiseRejectedResult).reason)).toContain("shutting down");
    expect((await ended).ended).toBe(0);
  });

  test("a public address without a key, and settings out of range, are refused before any work", async () => {
    const open = await bitmend(["serve", model, "--host", "0.0.0.0", "--port", "0"], {
      environment: { BITMEND_API_KEY: "" },
    });
    expect(open).toMatchObject({ ended: 1, stdout: "" });
    expect(open.stderr).toContain("[verbs/public-without-key]");
    const wrong = await bitmend(["serve", model, "--slots", "0", "--port", "70000"]);
    expect(wrong.stderr).toContain("slots=0, port=70000");
  });
});
