import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { summarySchema } from "../../src/runs/summary.ts";
import { execute, type Outcome } from "./bitmend.ts";
import { skipped, testModel } from "./test-model.ts";

const repository = join(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "bitmend-package-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const tarball = join(work, "bitmend-0.1.0.tgz");
/** An empty project that installs the tarball. */
const home = join(work, "home");
let packed: Outcome;
let installed: Outcome;

// The CPU provider ships inside onnxruntime-node; nobody's test should download gigabytes of CUDA.
const environment = { npm_config_onnxruntime_node_install: "skip" };
const isOffline = ({ stderr }: Outcome): boolean =>
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTCACHED|ENETUNREACH/u.test(stderr);

beforeAll(async () => {
  packed = await execute(["npm", "pack", "--pack-destination", work], { cwd: repository, environment });
  mkdirSync(home);
  writeFileSync(join(home, "package.json"), '{ "name": "home", "private": true, "type": "module" }');
  installed = await execute(["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", tarball], {
    cwd: home,
    environment,
  });
});

async function bitmend(...argv: string[]): Promise<Outcome> {
  return execute([process.execPath, join(home, "node_modules/bitmend/dist/cli/main.js"), ...argv], {
    cwd: home,
  });
}

test("npm pack builds, and publint finds nothing", () => {
  expect(packed).toMatchObject({ ended: 0 });
  expect(packed.stdout + packed.stderr).toContain("All good!");
  expect(statSync(tarball).size).toBeLessThan(6e6);
});

test("the tarball installs in an empty directory, with its program", async ({ skip }) => {
  if (isOffline(installed)) skip("no npm registry can be reached");
  expect(installed).toMatchObject({ ended: 0 });
  const help = await execute([join(home, "node_modules/.bin/bitmend"), "--help"], {
    cwd: home,
    environment: { PATH: `${join(process.execPath, "..")}:${process.env["PATH"] ?? ""}` },
  });
  expect(help).toMatchObject({ ended: 0, stdout: expect.stringContaining("bitmend") });
});

test("doctor finds Node, the engine and the shipped models there", async ({ skip }) => {
  if (isOffline(installed)) skip("no npm registry can be reached");
  const { stdout } = await bitmend("doctor", "--json");
  const findings = JSON.parse(stdout) as { name: string; ok: boolean; found: string }[];
  for (const name of ["node", "onnxruntime-node", "engine"])
    expect(findings).toContainEqual(expect.objectContaining({ name, ok: true }));
  if (testModel === null) return;
  const pocket = findings.find(({ name }) => name === "pocket")!;
  expect(pocket.found).toContain(join(home, "node_modules/bitmend/models"));
});

test.skipIf(testModel === null)(
  `inspect and a small run work from there, with compiled worker threads${skipped}`,
  async ({ skip }) => {
    if (isOffline(installed)) skip("no npm registry can be reached");
    expect(await bitmend("inspect", "pocket")).toMatchObject({
      ended: 0,
      stdout: expect.stringContaining("qwen3"),
    });
    const small = ["preference=null", "qat=[]", "quantization.calibrationSequences=8"];
    const variants = 'quantization.variants=[{"method":"rtn","bits":4},{"method":"gptq","bits":3}]';
    const settings = [...small, variants].flatMap((setting) => ["--set", setting]);
    const { ended, stdout, stderr } = await bitmend("run", "--problems", "8", ...settings, "--json");
    expect({ ended, stderr }).toEqual({ ended: 0, stderr: "" });
    expect(summarySchema.parse(JSON.parse(stdout)).variants).toHaveLength(3);
  },
);

test("a TypeScript program imports and checks the package", async ({ skip }) => {
  if (isOffline(installed)) skip("no npm registry can be reached");
  writeFileSync(
    join(home, "consumer.ts"),
    `import { BitmendError, consume, run, type RunRecipeInput, type Summary } from "bitmend";

export const recipe: RunRecipeInput = { name: "mine", model: "nowhere", task: "pocket" };

export async function measure(): Promise<Summary> {
  return (await consume(run({ recipe }), (event) => event.type)).summary;
}

await measure().catch((error: unknown) => {
  if (!(error instanceof BitmendError)) throw error;
  process.stdout.write(error.code);
});
`,
  );
  const options = {
    compilerOptions: {
      target: "es2024",
      lib: ["es2024", "esnext.disposable", "esnext.float16", "esnext.collection"],
      module: "nodenext",
      strict: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(repository, "node_modules/@types")],
    },
    include: ["consumer.ts"],
  };
  writeFileSync(join(home, "tsconfig.json"), JSON.stringify(options));
  const tsc = join(repository, "node_modules/.bin/tsc");
  expect(await execute([tsc, "-p", home], { cwd: home })).toMatchObject({ ended: 0, stdout: "" });
  expect(await execute([process.execPath, "consumer.ts"], { cwd: home })).toMatchObject({
    ended: 0,
    stdout: "verbs/no-model",
  });
});
