/** @file Many clients at once against one server; every answer is compared with the known one. */
import type OpenAI from "openai";
import { generate } from "../../src/generation/generate.ts";
import type { LanguageModel } from "../../src/generation/language-model.ts";
import { pocketTask } from "../../src/tasks/pocket/pocket-task.ts";
import { randomStream, type RandomStream } from "../../src/util/random.ts";

const SAMPLING = { temperature: 0.8, topP: 0.95 } as const;
const MAX_NEW_TOKENS = 96;
/** One in so many clients' requests is given up in the middle. */
const VANISHING = 10;

/** A question, and what the server must answer. */
export interface KnownAnswer {
  readonly question: string;
  readonly prompt: string;
  readonly seed: number;
  readonly greedy: string;
  readonly sampled: string;
}

/** What became of the requests. */
export interface LoadResult {
  readonly answered: number;
  /** Answers that differ from the known one. */
  readonly wrong: readonly string[];
  readonly errors: readonly string[];
  /** Given up by the client on purpose. */
  readonly vanished: number;
  readonly tokens: number;
  readonly seconds: number;
  /** Resident bytes of the server, once a second. */
  readonly residentBytes: readonly number[];
}

/** Answers of `generate()`, in this process. */
export async function knownAnswers(model: LanguageModel, count: number): Promise<KnownAnswer[]> {
  const { tokenizer } = model;
  const problems = pocketTask.problems({ split: "test", seed: 5, count });
  const prompts = problems.map((problem) =>
    tokenizer.applyChatTemplate(pocketTask.messages(problem), { addGenerationPrompt: true }),
  );
  const texts = async (sampling: object): Promise<string[]> => {
    const answers: string[] = [];
    // A request alone has the id of a first choice.
    for (const [index, prompt] of prompts.entries()) {
      const requests = [{ id: "0", promptIds: tokenizer.encode(prompt), seed: index }];
      // oxlint-disable-next-line eslint/no-await-in-loop -- one at a time
      for await (const event of generate(model, requests, { maxNewTokens: MAX_NEW_TOKENS, sampling }))
        if (event.type === "completion") answers.push(event.text);
    }
    return answers;
  };
  const [greedy, sampled] = [await texts({}), await texts(SAMPLING)];
  return problems.map(({ question }, seed) => ({
    question,
    seed,
    prompt: prompts[seed]!,
    greedy: greedy[seed]!,
    sampled: sampled[seed]!,
  }));
}

export interface LoadOptions {
  readonly client: OpenAI;
  readonly modelName: string;
  readonly answers: readonly KnownAnswer[];
  readonly clients: number;
  readonly seconds: number;
  readonly residentBytes: () => Promise<number>;
}

/** Keeps `clients` requests in the air for so many seconds, of four kinds in turn, and waits for the last answers. */
export async function putLoad(options: LoadOptions): Promise<LoadResult> {
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const [wrong, errors, resident]: [string[], string[], number[]] = [[], [], []];
  let [answered, vanished, tokens] = [0, 0, 0];
  const oneClient = async (random: RandomStream): Promise<void> => {
    while (elapsed() < options.seconds) {
      const known = random.pick(options.answers);
      const kind = random.pick(kinds);
      try {
        const vanishes = random.integer(VANISHING) === 0;
        // oxlint-disable-next-line eslint/no-await-in-loop -- a client waits for its answer
        const answer = await ask(options, known, { kind, vanishes });
        if (answer.text === null) vanished++;
        else {
          answered++;
          tokens += answer.tokens;
          const expected = kind.endsWith("sampled") ? known.sampled : known.greedy;
          if (answer.text !== expected) wrong.push(`${kind}: ${known.question}\n${answer.text}\n${expected}`);
        }
      } catch (error) {
        errors.push(`${kind}: ${String(error)}`);
      }
    }
  };
  const watch = async (): Promise<void> => {
    while (elapsed() < options.seconds) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- once a second
      resident.push(await options.residentBytes());
      // oxlint-disable-next-line eslint/no-await-in-loop -- once a second
      await new Promise((resolve) => void setTimeout(resolve, 1000));
    }
  };
  const clients = Array.from({ length: options.clients }, async (_, index) =>
    oneClient(randomStream(index, "client")),
  );
  await Promise.all([watch(), ...clients]);
  return { answered, wrong, errors, vanished, tokens, seconds: elapsed(), residentBytes: resident };
}

const kinds = ["text", "text sampled", "chat streamed", "chat streamed sampled"] as const;

/** The text is null when the client went away in the middle. */
async function ask(
  { client, modelName }: LoadOptions,
  known: KnownAnswer,
  { kind, vanishes }: { kind: (typeof kinds)[number]; vanishes: boolean },
): Promise<{ text: string | null; tokens: number }> {
  const sampling = kind.endsWith("sampled")
    ? { temperature: SAMPLING.temperature, top_p: SAMPLING.topP, seed: known.seed }
    : { temperature: 0 };
  const common = { model: modelName, max_tokens: MAX_NEW_TOKENS, ...sampling };
  if (kind.startsWith("text")) {
    const { choices, usage } = await client.completions.create({ ...common, prompt: known.prompt });
    return { text: choices[0]!.text, tokens: usage!.completion_tokens };
  }
  const stream = await client.chat.completions.create({
    ...common,
    messages: [{ role: "user", content: known.question }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let [text, tokens, chunks] = ["", 0, 0];
  for await (const { choices, usage } of stream) {
    text += choices[0]?.delta.content ?? "";
    tokens += usage?.completion_tokens ?? 0;
    // Leaving the loop closes the connection.
    if (vanishes && ++chunks === 4) return { text: null, tokens: 0 };
  }
  return { text, tokens };
}
