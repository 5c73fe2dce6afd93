import { type Event, type Exit, formatBytes } from "@constellation/contract";
import { counted } from "../terminal/counted.ts";
import { printable } from "../terminal/width.ts";
import { describeState, type Described } from "./state.ts";

/** What an event is about, and what happened, in words. */
export function describeEvent(event: Event): Described & { readonly subject: string } {
  switch (event.type) {
    case "daemon.started":
      return {
        subject: "daemon",
        text: `started, pid ${event.pid}, adopted ${counted(event.adopted, "instance")}`,
        meaning: "good",
      };
    case "daemon.stopping":
      return { subject: "daemon", text: "stopping", meaning: "warning" };
    case "app.applied":
      return { subject: event.app, text: `${event.change}, revision ${event.revision}`, meaning: "strong" };
    case "app.healthy":
      return { subject: event.app, text: `healthy, revision ${event.revision}`, meaning: "good" };
    case "app.stopped":
      return { subject: event.app, text: "stopped", meaning: "dim" };
    case "app.removed":
      return { subject: event.app, text: "removed", meaning: "dim" };
    case "instance.changed":
      return { subject: event.instance, ...describeState(event.state, event.at) };
    case "instance.ended":
      return { subject: event.instance, ...describeExit(event.exit) };
    case "instance.removed":
      return { subject: event.instance, text: "removed", meaning: "dim" };
    case "probe.changed":
      return {
        subject: event.instance,
        text: `${event.probe} probe ${event.ok ? "succeeds" : "fails"}: ${printable(event.detail)}`,
        meaning: event.ok ? "good" : "bad",
      };
    case "limit.missing":
      return { subject: event.instance, text: `${event.limit} is not enforced: ${event.detail}`, meaning: "warning" };
    case "instance.oom": {
      const { memoryLimitBytes: limit, processes } = event;
      const where = limit === null ? "for want of memory" : `at its memory limit of ${formatBytes(limit)}`;
      return {
        subject: event.instance,
        text: `the kernel ended ${counted(processes, "process", "processes")} of it ${where}; it runs on`,
        meaning: "bad",
      };
    }
  }
}

const asWanted: readonly Exit["kind"][] = ["completed", "stopped"];

function describeExit({ kind, reason, peakMemoryBytes }: Exit): Described {
  const peak = kind === "oom" && peakMemoryBytes !== null ? `, peak ${formatBytes(peakMemoryBytes)}` : "";
  return { text: `ended: ${printable(reason)}${peak}`, meaning: asWanted.includes(kind) ? "dim" : "bad" };
}
