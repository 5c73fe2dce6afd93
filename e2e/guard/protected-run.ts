import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Cgroup } from "@constellation/host";

/** What protected.js prints. */
export interface ProtectedOutcome {
  readonly kind: string;
  readonly reason: string;
  readonly exitCode: number;
  readonly tests: readonly string[];
  readonly unfit: readonly string[];
  readonly troubles: readonly string[];
  readonly releasedPorts: readonly number[];
  readonly teardown: {
    readonly swept: number;
    readonly survivors: readonly number[];
    readonly troubles: readonly string[];
  };
  readonly reactionMs: number | null;
}

/** Runs a guarded suite in a process of its own, inside a control group when one is given. */
export async function protectedRun(
  root: string,
  options: object,
  { group, environment = {} }: { group?: Cgroup; environment?: Record<string, string> } = {},
): Promise<{ readonly exit: number | null; readonly stderr: string; readonly outcome: ProtectedOutcome | undefined }> {
  const joins = (group?.joinTargets ?? []).map((target) =>
    target.kind === "tasks" ? target.path : `${target.path}/cgroup.procs`,
  );
  const script = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';
  const { PATH, HOME } = process.env;
  const program = join(import.meta.dirname, "protected.js");
  const words = [process.execPath, program, root, JSON.stringify(options)];
  const child = spawn("/bin/sh", ["-c", script, "sh", ...joins, "--", ...words], {
    env: { PATH, HOME, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const exit = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return { exit, stderr, outcome: last.startsWith("{") ? (JSON.parse(last) as ProtectedOutcome) : undefined };
}
