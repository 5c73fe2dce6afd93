import { join } from "node:path";
import { type Exit, exitSchema } from "@constellation/contract";
import type { Cgroup } from "@constellation/host";
import { signalName } from "../driver/signal-names.ts";
import { instanceName } from "../driver/start-request.ts";
import { type End, toExit } from "../driver/to-exit.ts";
import type { ExitRecord } from "../launch/index.ts";
import { readJson, writeAtomically } from "./atomic-file.ts";
import type { RunRecord, StopIntent } from "./run-record.ts";

const exitFile = "end.json";

/** What there is to word an exit from. */
export interface EndFacts {
  /** The record of its supervisor; null: it was killed before it could write one. */
  readonly found: ExitRecord | null;
  readonly cgroup: Cgroup | null;
  readonly nowMs: number;
  /** Unix milliseconds; a run from before was ended by the reboot. */
  readonly bootedAt: number;
  /** How it was being stopped; null: it ended by itself. */
  readonly stop: StopIntent | null;
  /** Told what went wrong without holding anything up. */
  readonly report: (text: string, error: unknown) => void;
}

/** The exit of a run that is over. It is worded once and kept with the run, so that every daemon that asks tells the same. */
export function exitOf(folder: string, record: RunRecord, facts: EndFacts): Exit {
  const kept = exitSchema.safeParse(readJson(join(folder, exitFile)));
  return kept.success ? kept.data : firstExitOf(folder, record, facts);
}

/** The exit of a run that was in one daemon's hand from its start to its end: nobody has worded it yet. */
export function firstExitOf(folder: string, record: RunRecord, facts: EndFacts): Exit {
  const exit = wordExit(record, facts);
  try {
    writeAtomically(join(folder, exitFile), JSON.stringify(exit));
  } catch (error) {
    // It is over all the same, and whoever waits for its end must hear of it on a full disk, too.
    const name = instanceName(record.request);
    facts.report(`${name}: how it ended is not written down: a next daemon may word it otherwise`, error);
  }
  return exit;
}

function wordExit(record: RunRecord, { found, cgroup, nowMs, bootedAt, stop }: EndFacts): Exit {
  const events = cgroup === null ? null : eventsOf(cgroup);
  return toExit(found === null ? lost(record, bootedAt) : endOf(found, record), {
    at: found?.endedAtMs ?? nowMs,
    oomKills: events?.oomKills ?? 0,
    memoryLimitBytes: record.request.resources.memoryBytes,
    peakMemoryBytes: events?.memoryPeakBytes ?? found?.peakMemoryBytes ?? null,
    stop: stop === null ? null : { signal: stop.signal, graceMs: stop.graceMs, killed: found?.killed ?? false },
  });
}

function endOf({ ending }: ExitRecord, { launch, wrapper }: RunRecord): End {
  switch (ending.kind) {
    case "exited":
      // Wrappers tell the end of their program by a signal as a shell does.
      if (wrapper !== null && ending.exitCode > 128)
        return { how: "signalled", signal: signalName(ending.exitCode - 128) };
      return { how: "exited", code: ending.exitCode };
    case "signaled":
      return { how: "signalled", signal: signalName(ending.signal) };
    case "start-failed":
      return { how: "not-started", detail: `step ${ending.stepIndex} of ${launch.identity.name}'s plan failed` };
  }
}

function lost({ request }: RunRecord, bootedAt: number): End {
  const launchedAt = Number.parseInt(request.runId.slice(0, request.runId.indexOf("-")), 36);
  const detail = launchedAt < bootedAt ? "the machine was restarted" : "its supervisor was killed";
  return { how: "lost", detail };
}

function eventsOf(cgroup: Cgroup) {
  try {
    return cgroup.events();
  } catch {
    return null;
  }
}
