import { type Cgroup, isProcessAlive, signalProcess } from "@constellation/host";
import { setTimeout as sleep } from "node:timers/promises";
import type { PidFile, ProcessStamp } from "../launch/index.ts";

const patienceMs = 5000;

/** Ends what a killed supervisor left behind: by the control group, by its init, by its main process. Waits until it is gone. */
export async function clearLost(pids: PidFile, cgroup: Cgroup | null): Promise<void> {
  const stamps = [pids.init, pids.main].filter((stamp) => stamp !== null).map(identityOf);
  for (const identity of stamps) signalProcess(identity, "SIGKILL");
  if (cgroup !== null) await killGroup(cgroup);
  const end = Date.now() + patienceMs;
  while (stamps.some((identity) => isProcessAlive(identity)) && Date.now() < end) await sleep(2);
}

const identityOf = ({ pid, startTicks }: ProcessStamp) => ({ pid, startTicks: Number(startTicks) });

async function killGroup(cgroup: Cgroup): Promise<void> {
  try {
    await cgroup.kill({ timeoutMs: patienceMs });
  } catch {
    // The group is gone, and so is everything in it.
  }
}
