import type { ProbeCheck } from "@constellation/contract";
import type { RunHandle } from "../driver/driver.ts";
import type { PortBinding } from "../driver/port-binding.ts";
import { probeExec } from "./exec-probe.ts";
import { openDoor } from "./door.ts";
import { describeFailure, probeHttp } from "./http-probe.ts";
import { LogLineMatcher } from "./log-line-matcher.ts";
import type { ProbeResult } from "./probe-result.ts";
import { type NoTarget, probeTarget, type ProbeTarget } from "./probe-target.ts";
import { probeTcp } from "./tcp-probe.ts";

/** Performs one kind of check on one run, again and again. */
export interface Prober {
  /** Never rejects; the abort of `signal` is the time limit. */
  probe(signal: AbortSignal): Promise<ProbeResult>;
  /** Has `news` called as soon as a probe would find something else, where that is known without probing. */
  listen?(news: () => void): void;
  close(): void;
}

/** The prober for a check. */
export function proberFor(check: ProbeCheck, handle: RunHandle, ports: readonly PortBinding[]): Prober {
  switch (check.kind) {
    case "http":
      return onTarget(probeTarget(check.port, ports, handle.facts), (target, signal) =>
        probeHttp(target, check, signal),
      );
    case "tcp":
      return onTarget(probeTarget(check.port, ports, handle.facts), probeTcp);
    case "exec":
      return { probe: (signal) => safely(() => probeExec(handle, check.argv, signal)), close: () => {} };
    case "log-line": {
      let tell = (): void => undefined;
      const matcher = new LogLineMatcher(handle, check.pattern, () => tell());
      return {
        probe: () => Promise.resolve(matcher.result),
        listen: (news) => void (tell = news),
        close: () => matcher.close(),
      };
    }
  }
}

function onTarget(
  target: ProbeTarget | NoTarget,
  probe: (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeResult>,
): Prober {
  return {
    probe: (signal) =>
      target.kind === "none"
        ? Promise.resolve({ ok: false, detail: target.detail })
        : safely(() => (target.kind === "unix" ? throughDoor(target.path, probe, signal) : probe(target, signal))),
    close: () => {},
  };
}

async function throughDoor(
  path: string,
  probe: (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeResult>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const door = openDoor(path);
  try {
    return await probe({ kind: "unix", path: door.path }, signal);
  } finally {
    door.close();
  }
}

/** A check that cannot even be made has failed. */
async function safely(probe: () => Promise<ProbeResult>): Promise<ProbeResult> {
  try {
    return await probe();
  } catch (error) {
    return { ok: false, detail: describeFailure(error) };
  }
}
