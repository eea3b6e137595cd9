import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { createRequire } from "node:module";
import { join } from "node:path";
import { EngineWorker, type EngineTensor } from "../engine/index.ts";
import { add } from "../graph/operations.ts";
import { Graph } from "../graph/graph.ts";
import { shippedModels } from "./resolve-model.ts";

/** One thing checked. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in a few words. */
  readonly found: string;
  /** What to do when it is not ok. */
  readonly hint: string | null;
}

/** Smallest free memory the shipped recipe was made for. */
const comfortableBytes = 2 * 2 ** 30;

/** Checks this machine and installation: Node, the numerical engine, cores, memory, and the model that ships with bitmend. */
export async function doctor(): Promise<readonly Finding[]> {
  return [
    nodeFinding(),
    runtimeFinding(),
    await engineFinding(),
    coreFinding(),
    memoryFinding(),
    graphicsFinding(),
    ...Object.entries(shippedModels).map(([name, directory]) => ({
      name,
      ok: existsSync(join(directory, "model.safetensors")),
      found: directory,
      hint: "The package is incomplete; install it again.",
    })),
  ];
}

function nodeFinding(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  return {
    name: "node",
    ok: major >= 24,
    found: process.version,
    hint: "bitmend needs Node 24 or newer; from a clone, `npm run` brings its own.",
  };
}

function runtimeFinding(): Finding {
  const manifest: unknown = createRequire(import.meta.url)("onnxruntime-node/package.json");
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest
      ? String(manifest.version)
      : "?";
  return {
    name: "onnxruntime-node",
    ok: version === "1.30.0",
    found: version,
    hint: "bitmend is tested with 1.30.0 alone; install that version.",
  };
}

function operand(value: number): EngineTensor {
  return { dataType: "f32", shape: [1], data: Float32Array.of(value) };
}

/** Runs 1 + 2 through the engine that everything else uses. */
async function engineFinding(): Promise<Finding> {
  const hint = "onnxruntime-node could not run; install it again on this platform.";
  try {
    const graph = new Graph();
    const sum = add(graph.input("left", "f32", [1]), graph.input("right", "f32", [1]));
    await using worker = await EngineWorker.start({ threads: 1 });
    const session = await worker.load(graph.build({ sum }));
    const result = await session.run({ left: operand(1), right: operand(2) });
    const ok = result["sum"]?.data[0] === 3;
    return { name: "engine", ok, found: ok ? "computes on the CPU" : "1 + 2 was not 3", hint };
  } catch (error) {
    return { name: "engine", ok: false, found: error instanceof Error ? error.message : String(error), hint };
  }
}

function coreFinding(): Finding {
  const cores = availableParallelism();
  return { name: "cores", ok: cores >= 2, found: String(cores), hint: "One core works, slowly." };
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function memoryFinding(): Finding {
  return {
    name: "memory",
    ok: freemem() >= comfortableBytes,
    found: `${gibibytes(freemem())} of ${gibibytes(totalmem())} GiB free`,
    hint: "The shipped recipe wants 2 GiB; close other programs or lower `generation.slots`.",
  };
}

/** A GPU is a finding, not a need: the CPU is what runs today. */
function graphicsFinding(): Finding {
  try {
    const list = execFileSync("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
    });
    return {
      name: "gpu",
      ok: true,
      found: `${list.trim().split("\n").join(", ")} (not used yet)`,
      hint: null,
    };
  } catch {
    return { name: "gpu", ok: true, found: "none found; none is needed", hint: null };
  }
}
