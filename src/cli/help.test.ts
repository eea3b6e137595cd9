import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { defineCommand } from "./command.ts";
import { programHelp, verbHelp, wrap } from "./help.ts";
import { verbs } from "./verbs.ts";

test("the list of verbs keeps within 80 columns", () => {
  for (const line of programHelp(verbs).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

test("a verb's help shows usage, options and examples", () => {
  const command = defineCommand({
    positionals: { usage: "RUN", help: "a run directory", minimum: 1, maximum: 1 },
    options: {
      seed: { type: "integer", value: "N", help: "draws other test problems" },
      "a-very-long-option-name": {
        type: "string",
        value: "DIRECTORY",
        help: "is explained on the next line because it does not fit into the first column, and wraps",
      },
      json: { type: "boolean", short: "j", help: "prints one object" },
    },
    examples: [{ command: "bitmend show runs/a", does: "shows it" }],
    run: async () => 0,
  });
  expect(verbHelp("show", { summary: "Shows a run." }, command)).toMatchInlineSnapshot(`
    "Shows a run.

    Usage: bitmend show RUN [OPTIONS]

      RUN                           a run directory
      --seed N                      draws other test problems
      --a-very-long-option-name DIRECTORY
                                    is explained on the next line because it does
                                    not fit into the first column, and wraps
      --json, -j                    prints one object
      --help, -h                    show this text

    Examples:
      bitmend show runs/a
          shows it"
  `);
});

test("wrap breaks at spaces and keeps a long word whole", () => {
  expect(wrap("aa bb cccccccc d", 5)).toEqual(["aa bb", "cccccccc", "d"]);
});

test("--help loads no verb and no library", () => {
  const main = new URL("main.ts", import.meta.url).pathname;
  const trace = `
    const { registerHooks } = await import("node:module");
    registerHooks({ load: (url, context, next) => { if (/verbs\\/|node_modules/.test(url)) console.log("loaded " + url); return next(url, context); } });
    process.argv = ["node", "bitmend", "--help"];
    await import(${JSON.stringify(main)});`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", trace], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(output).toContain("Usage: bitmend VERB");
  expect(output).not.toContain("loaded ");
});
