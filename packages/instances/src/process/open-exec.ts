import { ConstellationError } from "@constellation/contract";
import type { ExecRequest, ExecSession } from "../driver/exec.ts";
import type { HostFacts, PidFile } from "../launch/index.ts";
import type { RunRecord } from "./run-record.ts";

export interface ExecPlace {
  readonly record: RunRecord;
  readonly pids: PidFile;
  readonly host: HostFacts;
}

export function openExec(request: ExecRequest, _place: ExecPlace, _signal: AbortSignal): Promise<ExecSession> {
  return Promise.reject(new ConstellationError("exec.failed", `Cannot run ${request.argv[0]}: not yet`));
}
