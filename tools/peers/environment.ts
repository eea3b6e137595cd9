/**
 * @file The Python environment of the peer tests, .cache/peers/venv: `node tools/peers/environment.ts` makes it, as `npm test -- peers` does
 * (7 GB, about 10 minutes, once).
 *
 * BITMEND_PEERS_PYTHON names the interpreter of an environment that is there already, which is then taken as it is.
 */
import { execFile } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const LLAMA_CPP = "llama-cpp-python==0.3.36";

const folder = join(import.meta.dirname, "../../.cache/peers");
const environment = join(folder, "venv");
const python = join(environment, "bin", "python");
const requirements = join(import.meta.dirname, "requirements.txt");
/** Packages that are built here, without what they ask for: their wishes exclude those of others, and do without. */
const sources = join(import.meta.dirname, "requirements-sources.txt");
/** Copied last, so that an installation that was cut off is begun anew. */
const installed = join(environment, "requirements.txt");

/** The interpreter of the environment; null where there is none, and then the reason is printed. */
export async function peersPython(): Promise<string | null> {
  const given = process.env["BITMEND_PEERS_PYTHON"];
  const chosen = given !== undefined && given !== "" ? given : isInstalled() ? python : null;
  if (chosen === null) {
    console.error("Peers are skipped: `npm test -- peers` makes the Python environment that they need.");
    return null;
  }
  await promisify(execFile)(chosen, ["--version"]);
  return chosen;
}

/** Those of `modules` that Python does not find, which is printed; what needs them is skipped. */
export async function missingModules(
  interpreter: string | null,
  modules: readonly string[],
): Promise<readonly string[]> {
  if (interpreter === null) return modules;
  const find =
    "import importlib.util, sys; print(*(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))";
  const { stdout } = await promisify(execFile)(interpreter, ["-c", find, ...modules]);
  const missing = stdout.split(/\s+/u).filter((name) => name !== "");
  if (missing.length > 0) console.error(`Peers without a Python module are skipped: ${missing.join(", ")}.`);
  return missing;
}

function isInstalled(): boolean {
  return existsSync(installed) && readFileSync(installed, "utf8") === readFileSync(requirements, "utf8");
}

/** Makes the environment anew; false where that fails. Without the packages that are built here it is of use still. */
async function makeEnvironment(): Promise<boolean> {
  console.error(
    `Making the Python environment of the peers in ${environment}: 7 GB, about 10 minutes, once.`,
  );
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const made = await succeeds("Peers are skipped, no Python environment", async () => {
    await promisify(execFile)("python3", ["-m", "venv", environment]);
    // One retry: without a network this should end in seconds.
    await pip(["install", "--retries", "1", "--timeout", "15", "-r", requirements]);
  });
  if (!made) return false;
  const build = ["install", "--no-deps", "--no-build-isolation"];
  await succeeds("GPTQModel and AutoAWQ are skipped", async () => {
    await pip([...build, "-r", sources], { BUILD_CUDA_EXT: "0" });
  });
  await succeeds("llama.cpp is skipped", installLlamaCpp);
  copyFileSync(requirements, installed);
  return true;
}

/**
 * Builds llama.cpp with OpenBLAS, so that it multiplies long sequences in float32 (see read-with-llama-cpp.py), for processors with AVX2, and puts
 * its converter beside the environment.
 */
async function installLlamaCpp(): Promise<void> {
  const download = join(folder, "llama-cpp");
  rmSync(download, { recursive: true, force: true });
  await pip(["download", "--no-deps", "--no-binary", ":all:", "--dest", download, LLAMA_CPP]);
  const archive = readdirSync(download)[0] ?? "";
  await promisify(execFile)("tar", ["xzf", join(download, archive), "-C", download]);
  const source = join(download, archive.replace(/\.tar\.gz$/u, ""));
  for (const part of ["convert_hf_to_gguf.py", "conversion", "gguf-py"]) {
    cpSync(join(source, "vendor/llama.cpp", part), join(environment, "llama.cpp", part), { recursive: true });
  }
  const locate =
    "import scipy_openblas32; print(scipy_openblas32.get_include_dir()); print(scipy_openblas32.get_lib_dir())";
  const { stdout } = await promisify(execFile)(python, ["-c", locate]);
  const [headers = "", libraries = ""] = stdout.trim().split("\n");
  await pip(["install", "--no-deps", source], {
    CMAKE_ARGS: llamaCppSettings(headers, libraries),
    CMAKE_BUILD_PARALLEL_LEVEL: "2",
    PKG_CONFIG_PATH: join(libraries, "pkgconfig"),
  });
  rmSync(download, { recursive: true });
}

function llamaCppSettings(headers: string, libraries: string): string {
  const instructions = ["AVX", "AVX2", "FMA", "F16C", "BMI2"].map((set) => `-DGGML_${set}=ON`);
  // The functions of this OpenBLAS carry a prefix.
  const names = [
    "cblas_sgemm",
    "openblas_set_num_threads",
    "openblas_set_num_threads_local",
    "openblas_get_parallel",
  ].map((name) => `-D${name}=scipy_${name}`);
  return [
    "-DLLAVA_BUILD=OFF",
    "-DGGML_OPENMP=OFF",
    "-DGGML_NATIVE=OFF",
    ...instructions,
    "-DGGML_BLAS=ON",
    "-DGGML_BLAS_VENDOR=OpenBLAS",
    `-DBLAS_INCLUDE_DIRS=${headers}`,
    "-DBLA_PREFER_PKGCONFIG=ON",
    "-DBLA_PKGCONFIG_BLAS=scipy-openblas",
    `-DCMAKE_CXX_FLAGS='${names.join(" ")}'`,
    `-DCMAKE_SHARED_LINKER_FLAGS='-Wl,--no-as-needed,${libraries}/libscipy_openblas.so,-rpath,${libraries}'`,
  ].join(" ");
}

async function pip(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<void> {
  const settings = { env: { ...process.env, ...variables }, maxBuffer: 2 ** 26 };
  await promisify(execFile)(python, ["-m", "pip", "--quiet", ...args], settings);
}

async function succeeds(otherwise: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const lines = error instanceof Error ? error.message.trim().split("\n") : [];
    const reason = lines.findLast((line) => line.startsWith("ERROR")) ?? lines[0] ?? String(error);
    console.error(`${otherwise}: ${reason}`);
    return false;
  }
}

if (import.meta.main && (process.env["BITMEND_PEERS_PYTHON"] ?? "") === "") {
  process.exitCode = isInstalled() || (await makeEnvironment()) ? 0 : 1;
}
