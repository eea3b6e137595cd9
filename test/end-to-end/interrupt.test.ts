import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { bitmend, bitmendCommand, execute } from "./bitmend.ts";
import { contents, findings, onlyRun } from "./run-result.ts";
import { skipped, testModel } from "./test-model.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-interrupt-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const recipe = join(import.meta.dirname, "small-recipe.ts");
const argvFor = (runs: string, ...options: string[]): string[] =>
  ["run", recipe, "--threads", "2", "--runs", runs].concat(options);

const escape = "\u001B";
const widest = (text: string): number => Math.max(...text.split(/[\r\n]/u).map((line) => line.length));
const hasTerminalTool = (await execute(["script", "--version"]).catch(() => null))?.ended === 0;

/** Sends a signal when a stage begins; a second one would end the process at once. */
function once(stage: string, signal: NodeJS.Signals): (text: string) => NodeJS.Signals | undefined {
  let isSent = false;
  return (text) => {
    if (isSent || !text.includes(stage)) return undefined;
    isSent = true;
    return signal;
  };
}

describe.skipIf(testModel === null)(`a run${skipped}`, () => {
  const whole = join(work, "whole");
  const stopped = join(work, "stopped");

  test("in a pipe: the tables on stdout, no escape codes, no line wider than 80 columns", async () => {
    const unbroken = await bitmend(argvFor(whole), { environment: { FORCE_COLOR: "1" } });
    expect(unbroken).toMatchObject({ ended: 0, stdout: expect.stringContaining("report.html") });
    const text = unbroken.stdout + unbroken.stderr;
    expect(text).not.toContain(escape);
    // The path of the report is as long as it is.
    expect(widest(text.replaceAll(work, ""))).toBeLessThanOrEqual(80);
  });

  test.each(["Solving training problems", "Preference tuning", "Distilling into 2 bits"])(
    "Ctrl-C while it is %s: exit code 130, and how to go on",
    async (stage) => {
      const { ended, stdout, stderr } = await bitmend(argvFor(stopped), {
        onProgress: once(stage, "SIGINT"),
      });
      expect({ ended, stdout }).toEqual({ ended: 130, stdout: "" });
      expect(stderr).toContain(`go on with:\n  bitmend ${argvFor(stopped).join(" ")}`);
      expect(stderr).not.toContain("rror");
      expect(existsSync(join(onlyRun(stopped), "lock"))).toBe(false);
    },
  );

  test("and going on with --json: one object on stdout and nothing else, the findings and files of an unbroken run", async () => {
    const { ended, stdout, stderr } = await bitmend(argvFor(stopped, "--json"));
    expect({ ended, stderr }).toEqual({ ended: 0, stderr: "" });
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual(
      JSON.parse(readFileSync(join(onlyRun(stopped), "summary.json"), "utf8")),
    );
    expect(findings(onlyRun(stopped))).toEqual(findings(onlyRun(whole)));
    expect(contents(onlyRun(stopped))).toEqual(contents(onlyRun(whole)));
  });

  test("--fresh is not part of how to go on", async () => {
    const { stderr } = await bitmend(argvFor(join(work, "fresh"), "--fresh"), {
      onProgress: once("Solving", "SIGTERM"),
    });
    expect(stderr).toContain(`\n  bitmend ${argvFor(join(work, "fresh")).join(" ")}\n`);
  });

  describe.skipIf(!hasTerminalTool)(
    `in a terminal of 80 columns${hasTerminalTool ? "" : " (skipped: no `script` of util-linux here)"}`,
    () => {
      const settings = ["--set", "preference=null", "--set", "qat=[]", "--problems", "8"];
      async function inTerminal(runs: string, environment: Record<string, string>): Promise<string> {
        const command = bitmendCommand(argvFor(join(work, runs), ...settings));
        const shell = `stty cols 80 rows 24; ${command}`;
        const { ended, stdout } = await execute(["script", "-qec", `bash -c "${shell}"`, "/dev/null"], {
          environment: { TERM: "xterm-256color", LC_ALL: "C.UTF-8", ...environment },
        });
        expect(ended).toBe(0);
        return stdout;
      }

      test("lines are redrawn in place and never wrap", async () => {
        const text = await inTerminal("colours", { NO_COLOR: "" });
        expect(text).toContain(`${escape}[`);
        expect(text).toContain("━");
        const plain = stripVTControlCharacters(text).replaceAll(work, "");
        expect(widest(plain)).toBeLessThanOrEqual(80);
      });

      test("with NO_COLOR no colour is written", async () => {
        const text = await inTerminal("plain", { NO_COLOR: "1" });
        expect(text).not.toMatch(new RegExp(String.raw`${escape}\[[\d;]*m`, "u"));
      });
    },
  );
});
