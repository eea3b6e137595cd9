/** @file The command line that runs Python in namespaces of its own, by util-linux and a shell script. */
import { randomInt } from "node:crypto";
import type { Python } from "./python.ts";
import type { SandboxLimits } from "./sandbox.ts";

/**
 * Runs inside new mount, network, process, IPC and host name namespaces. Arguments: the new root, how many directories, these, the command.
 *
 * The new root is a read-only file system in memory that holds the system's programs and the interpreter's directories (read-only), four
 * devices and an empty /tmp. The old root is let go, so that no open path leads back; /proc serves only to do that.
 */
const script = `set -e
root=$1; count=$2; shift 2
mount --make-rprivate /
mount -t tmpfs -o size=1m,mode=755,nr_inodes=4096 sandbox "$root"
cd "$root"
mkdir tmp dev old proc
mount -t tmpfs -o size=64m,mode=1777,nr_inodes=4096 scratch tmp
mount -t proc proc proc
bind() {
  if [ -L "$1" ]; then cp -P "$1" ".$1"
  elif [ -d "$1" ]; then mkdir -p ".$1"; mount --bind "$1" ".$1"; mount -o remount,bind,ro ".$1"
  fi
}
for directory in /usr /bin /sbin /lib /lib32 /lib64; do bind "$directory"; done
while [ "$count" -gt 0 ]; do bind "$1"; shift; count=$((count - 1)); done
for device in null zero random urandom; do : > "dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
mount -o remount,ro,size=1m,nr_inodes=4096 sandbox "$root"
pivot_root . old
umount -l /old
umount -l /proc
cd /tmp
exec "$@"
`;

/** First of the user ids that only sandboxes of a privileged user have. */
const firstUserId = 1_000_000_000;

export interface NamespaceCommand {
  readonly python: Python;
  readonly source: string;
  readonly limits: SandboxLimits;
  /** An empty directory. */
  readonly root: string;
  /** Started by root, which needs no user namespace but another user id: limits do not hold for root. */
  readonly privileged: boolean;
}

/** The whole command line; killing its first process kills all. */
export function namespaceCommand(options: NamespaceCommand): readonly [string, ...string[]] {
  const { python, source, limits, root, privileged } = options;
  const namespaces = ["--net", "--pid", "--fork", "--mount", "--ipc", "--uts", "--kill-child=SIGKILL"];
  // A user id of its own: the limit on processes counts all of a user.
  const userId = String(firstUserId + randomInt(1_000_000_000));
  const identity = ["--reuid", userId, "--regid", userId, "--clear-groups"];
  const outside = [
    "--pdeathsig",
    "KILL",
    "unshare",
    ...(privileged ? [] : ["--user", "--map-root-user"]),
    ...namespaces,
  ];
  const mounts = ["sh", "-c", script, "sh", root, String(python.directories.length), ...python.directories];
  const environment = ["env", "-i", "PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"];
  const powers = [
    "setpriv",
    ...(privileged ? identity : []),
    "--no-new-privs",
    "--bounding-set=-all",
    "--inh-caps=-all",
  ];
  const bounds = [
    "prlimit",
    `--as=${limits.memoryBytes}`,
    `--nproc=${limits.processes}`,
    `--fsize=${limits.outputBytes}`,
    "--nofile=64",
    "--core=0",
    `--cpu=${Math.ceil(limits.timeoutMs / 1000) + 1}`,
  ];
  const program = [python.executable, "-I", "-B", "-c", source];
  return ["setpriv", ...outside, ...mounts, ...environment, ...powers, ...bounds, ...program];
}
