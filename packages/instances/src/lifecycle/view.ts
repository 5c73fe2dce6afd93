import type { InstanceState } from "@constellation/contract";
import type { Lifecycle } from "./lifecycle.ts";

/** The state that users see. */
export function view({ phase }: Lifecycle): InstanceState {
  switch (phase.status) {
    case "waiting":
      return { status: "waiting", since: phase.since, for: phase.for };
    case "recovering":
    case "starting":
      return { status: "starting", since: phase.since };
    case "cancelling":
      return { status: "stopping", since: phase.since, pid: null, killAt: phase.since + phase.graceMs };
    case "running": {
      const { since, pid, ready, notReady } = phase;
      return { status: "running", since, pid, ready, notReady: ready ? null : notReady };
    }
    case "stopping":
      return { status: "stopping", since: phase.since, pid: phase.pid, killAt: phase.killAt };
    default:
      return phase;
  }
}
