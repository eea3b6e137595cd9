import { expect, test } from "vitest";
import { BitmendError } from "../util/errors.ts";
import { defineCommand, type Verb } from "./command.ts";
import { runCommandLine } from "./command-line.ts";

function memoryContext(controller = new AbortController()) {
  const out: string[] = [];
  const told: string[] = [];
  const terminal = {
    interactive: false,
    colors: false,
    unicode: false,
    columns: () => 80,
    write: (text: string) => void told.push(text),
  };
  const write = (line: string): void => void out.push(line);
  return { out, told, context: { write, terminal, signal: controller.signal, version: "1.2.3" } };
}

const hello = defineCommand({
  options: { name: { type: "string", value: "NAME", help: "whom to greet" } },
  examples: [{ command: "bitmend hello --name you", does: "greets you" }],
  run: async ({ name }, { write }) => {
    write(`hello ${name ?? "world"}`);
    return 0;
  },
});

const failing = (error: unknown): Verb => ({
  summary: "Fails.",
  load: async () => ({
    command: defineCommand({
      options: {},
      examples: [],
      run: async () => {
        throw error;
      },
    }),
  }),
});

const verbs = {
  hello: { summary: "Says hello.", load: async () => ({ command: hello }) },
  fail: failing(new BitmendError("test/broken", "fail(): expected luck, got none.", { hint: "Try again." })),
  crash: failing(new TypeError("x is not a function")),
  full: failing(Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })),
};

test("a verb runs with its options", async () => {
  const { out, told, context } = memoryContext();
  await expect(runCommandLine(verbs, ["hello", "--name", "you"], context)).resolves.toBe(0);
  expect([out, told]).toEqual([["hello you"], []]);
});

test.each([
  [[], "Usage: bitmend VERB"],
  [["--help"], "Says hello."],
  [["hello", "--help"], "--name NAME"],
  [["help", "hello"], "greets you"],
  [["--version"], "1.2.3"],
] as const)("help and version go to stdout and end well: %j", async (argv, text) => {
  const { out, context } = memoryContext();
  await expect(runCommandLine(verbs, argv, context)).resolves.toBe(0);
  expect(out.join("\n")).toContain(text);
});

test.each([
  [["helo"], "Did you mean hello?"],
  [["toString"], "Verbs: hello"],
  [["hello", "--nmae", "x"], "Unknown option --nmae. Did you mean --name?"],
  [["hello", "there"], 'Unexpected argument "there".'],
] as const)(
  "wrong usage ends with 2, says what was meant, and writes nothing to stdout: %j",
  async (argv, text) => {
    const { out, told, context } = memoryContext();
    await expect(runCommandLine(verbs, argv, context)).resolves.toBe(2);
    expect(told.join("")).toContain(text);
    expect(out).toEqual([]);
  },
);

async function telling(verb: string): Promise<string> {
  const { told, context } = memoryContext();
  await expect(runCommandLine(verbs, [verb], context)).resolves.toBe(1);
  return told.join("");
}

test("an error on purpose shows message and code, a full disk what to do, and only a bug its stack", async () => {
  expect(await telling("fail")).toBe("error: fail(): expected luck, got none. Try again.\n[test/broken]\n");
  expect(await telling("full")).toBe(
    "error: ENOSPC: no space left on device, write\nThe disk is full: free some space, then run the same command again.\n",
  );
  expect(await telling("crash")).toMatch(/Internal error.*TypeError: x is not a function\n\s+at /s);
});

test("an interrupted verb says how to go on", async () => {
  const controller = new AbortController();
  const stopped = (goOn?: string): Verb => ({
    summary: "Waits.",
    load: async () => ({
      command: defineCommand({
        options: { set: { type: "string", value: "KEY=VALUE", help: "" } },
        examples: [],
        run: async (_values, { signal, goOnWith }) => {
          if (goOn !== undefined) goOnWith(goOn);
          controller.abort();
          signal.throwIfAborted();
          return 0;
        },
      }),
    }),
  });
  const same = memoryContext(controller);
  await expect(runCommandLine({ wait: stopped() }, ["wait", "--set", "a b"], same.context)).resolves.toBe(
    130,
  );
  expect(same.told.join("")).toBe(
    "Stopped. Finished work is kept; go on with:\n  bitmend wait --set 'a b'\n",
  );
  const named = memoryContext(controller);
  await runCommandLine({ wait: stopped("bitmend run --seed 3") }, ["wait"], named.context);
  expect(named.told.join("")).toContain("bitmend run --seed 3");
});
