/**
 * @file The test line: static checks, then every test project, then one line `N passed, N failed, N skipped` from the runner's own report.
 *
 * `npm test` runs everything but the peers: `npm test -- peers` runs those alone, in a Python environment that it makes if need be.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { z } from "zod";

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

const root = join(import.meta.dirname, "..");
const reportPath = join(root, ".cache", "test-report.json");
const environment = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env["PATH"] ?? ""}`,
};

function succeeds(command: string, args: readonly string[]): boolean {
  console.error(`> ${command} ${args.join(" ")}`);
  return spawnSync(command, args, { cwd: root, stdio: "inherit", env: environment }).status === 0;
}

const projects = process.argv.slice(2);
const chosen = projects.length === 0 ? ["unit", "golden", "invariant", "end-to-end"] : projects;
const staticChecks: readonly (readonly [string, ...string[]])[] =
  projects.length === 0 ? [["oxfmt", "--check", "."], ["oxlint", "--deny-warnings"], ["tsc"], ["knip"]] : [];
const failedChecks = staticChecks.filter(([command, ...args]) => !succeeds(command, args));

mkdirSync(join(root, ".cache"), { recursive: true });
rmSync(reportPath, { force: true });
// The tests run in several processes, and one environment serves them all.
if (chosen.includes("peers")) succeeds("node", ["tools/peers/environment.ts"]);
const testsPassed = succeeds("vitest", [
  "run",
  ...chosen.flatMap((project) => ["--project", project]),
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${reportPath}`,
]);

const report = reportSchema.parse(JSON.parse(readFileSync(reportPath, "utf8")));
// A file that fails to load has no assertions of its own, but it is a failure all the same.
const unloadable = report.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
).length;
const passed = report.numPassedTests + staticChecks.length - failedChecks.length;
const failed = report.numFailedTests + unloadable + failedChecks.length;
for (const [command] of failedChecks) console.log(`static check failed: ${command}`);
console.log(`${passed} passed, ${failed} failed, ${report.numPendingTests} skipped`);
process.exitCode = failed === 0 && testsPassed ? 0 : 1;
