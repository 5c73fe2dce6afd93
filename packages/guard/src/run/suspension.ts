import { findByEnvironment, signalProcess, type Cgroup } from "@constellation/host";
import { markerOf } from "./marker.ts";

/**
 * Ctrl-Z stops the guard alone: its run is in sessions of its own and would go on with nobody who looks at memory. So the run
 * stops first, and goes on after the guard does. The function that this gives calls it off.
 */
export function suspendTogether(marker: string, cgroup: Cgroup | undefined): () => void {
  const all = (signal: "SIGSTOP" | "SIGCONT"): void => {
    for (const each of findByEnvironment(markerOf(marker))) signalProcess(each, signal);
  };
  const suspend = async (): Promise<void> => {
    // What cannot be frozen in time is stopped with the next Ctrl-Z; the guard stops when it is told to.
    await (cgroup === undefined ? all("SIGSTOP") : cgroup.freeze({ timeoutMs: 1000 }).catch(() => undefined));
    process.kill(process.pid, "SIGSTOP");
    await (cgroup === undefined ? all("SIGCONT") : cgroup.thaw().catch(() => undefined));
  };
  const listener = (): void => void suspend();
  process.on("SIGTSTP", listener);
  return () => void process.off("SIGTSTP", listener);
}
