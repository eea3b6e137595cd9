import { expect, test } from "vitest";
import type { CommandOptions } from "./command.ts";
import { parseArguments } from "./parse-arguments.ts";

const options = {
  seed: { type: "integer", value: "N", help: "" },
  recipe: { type: "string", value: "FILE", help: "", short: "r" },
  set: { type: "string", value: "KEY=VALUE", help: "", multiple: true },
  json: { type: "boolean", help: "" },
} as const satisfies CommandOptions;
const positionals = { usage: "[RUN]", help: "", minimum: 0, maximum: 1 };

test("every kind of option gets its value, and one left out its absence", () => {
  expect(
    parseArguments({ options, positionals }, [
      "runs/a",
      "--seed=-3",
      "-r",
      "x.ts",
      "--set",
      "a=1",
      "--set",
      "b=2",
    ]),
  ).toEqual({
    positionals: ["runs/a"],
    seed: -3,
    recipe: "x.ts",
    set: ["a=1", "b=2"],
    json: false,
  });
  expect(parseArguments({ options }, [])).toEqual({
    positionals: [],
    seed: undefined,
    recipe: undefined,
    set: [],
    json: false,
  });
});

test("every problem of a command line is named at once", () => {
  const wrong = ["--sed", "1", "--seed", "many", "--json=yes", "--recipe", "--seed", "1", "extra"];
  expect(() => parseArguments({ options }, wrong)).toThrowErrorMatchingInlineSnapshot(`
    [BitmendError: Unknown option --sed. Did you mean --seed?
    Option --seed needs a whole number, got "many".
    Option --json takes no value, got "yes".
    Option --recipe needs a value: --recipe FILE (or --recipe=FILE where it starts with a dash).]
  `);
});

test("names that every object has are not options", () => {
  expect(() => parseArguments({ options }, ["--constructor", "--__proto__"])).toThrow(
    expect.objectContaining({ code: "cli/usage" }),
  );
});

test("a missing argument is named", () => {
  expect(() =>
    parseArguments({ options, positionals: { ...positionals, usage: "RUN", minimum: 1 } }, []),
  ).toThrow("Missing argument: expected RUN.");
});
