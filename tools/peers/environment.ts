/**
 * @file The Python environment of the peer tests: .cache/peers/venv with tools/peers/requirements.txt, made once (5 GB, minutes).
 *
 * BITMEND_PEERS_PYTHON names the interpreter of an environment that is there already, which is then taken as it is.
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const requirements = join(import.meta.dirname, "requirements.txt");
const environment = join(import.meta.dirname, "../../.cache/peers/venv");
/** Copied last, so that an installation that was cut off is begun anew. */
const installed = join(environment, "requirements.txt");

/** The interpreter of the environment, which is made if need be; null where that fails, and then the reason is printed. */
export async function peersPython(): Promise<string | null> {
  const given = process.env["BITMEND_PEERS_PYTHON"];
  if (given !== undefined && given !== "") return given;
  const python = join(environment, "bin", "python");
  if (existsSync(installed) && readFileSync(installed, "utf8") === readFileSync(requirements, "utf8")) {
    return python;
  }
  console.error(`Making the Python environment of the peers in ${environment}: minutes, once.`);
  rmSync(environment, { recursive: true, force: true });
  // One retry: without a network this should end in seconds.
  const pip = ["-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "15", "-r", requirements];
  try {
    await promisify(execFile)("python3", ["-m", "venv", environment]);
    await promisify(execFile)(python, pip);
  } catch (error) {
    const lines = error instanceof Error ? error.message.trim().split("\n") : [];
    const reason = lines.findLast((line) => line.startsWith("ERROR")) ?? lines[0] ?? String(error);
    console.error(`Peers are skipped, no Python environment: ${reason}`);
    return null;
  }
  copyFileSync(requirements, installed);
  return python;
}
