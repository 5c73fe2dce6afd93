import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { identifyProcess, type ProcessIdentity } from "@constellation/host";
import type { LeaseRecord } from "./lease-record.ts";

/** Starts a run again whose terminal is gone: it writes to its log, and comes back with the lease it had. */
export async function launchAgain({ request }: LeaseRecord): Promise<ProcessIdentity | undefined> {
  if (request.launch === null) return undefined;
  const { program, args, cwd, environment } = request.launch;
  const log = openSync(join(request.stateDirectory, "output.log"), "a");
  try {
    const child = spawn(program, args, {
      cwd,
      env: { ...environment, CONSTELLATION_LEASE: request.id },
      detached: true,
      stdio: ["ignore", log, log],
    });
    const started = await new Promise<boolean>((resolve) => {
      child.once("spawn", () => resolve(true));
      child.once("error", () => resolve(false));
    });
    child.unref();
    return started && child.pid !== undefined ? identifyProcess(child.pid) : undefined;
  } finally {
    closeSync(log);
  }
}
