import { formatDuration } from "@constellation/contract";
import type { Snapshot } from "@constellation/sdk";
import { liveRegion } from "../terminal/live.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { describeState } from "./state.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;

/** Shows how apps come up. */
export interface Progress {
  show(snapshot: Snapshot): void;
  done(): void;
}

/** One line an instance, drawn anew in a terminal; elsewhere one line a change. */
export function progress(out: Terminal): Progress {
  return out.interactive ? liveProgress(out) : plainProgress(out);
}

function liveProgress(out: Terminal): Progress {
  const region = liveRegion(out);
  const startedAt = Date.now();
  let snapshot: Snapshot = { apps: [], instances: [] };
  let frame = 0;
  const draw = (): void => {
    region.draw([
      ...instanceLines(snapshot, out, frames[frame % frames.length] ?? ""),
      summary(snapshot, out, startedAt),
    ]);
  };
  const timer = setInterval(() => {
    frame += 1;
    draw();
  }, frameMs);
  return {
    show(next) {
      snapshot = next;
      draw();
    },
    done() {
      clearInterval(timer);
      draw();
      region.done();
    },
  };
}

function instanceLines({ instances }: Snapshot, { style }: Terminal, spinner: string): string[] {
  const width = Math.max(0, ...instances.map(({ name }) => name.length));
  return instances.map(({ name, state }) => {
    const { text, meaning } = describeState(state, Date.now());
    const sign = meaning === "good" ? "✔" : meaning === "bad" ? "✖" : meaning === "dim" ? "·" : spinner;
    return `${style(meaning, sign)} ${name.padEnd(width)}  ${style(meaning, text)}`;
  });
}

function summary({ apps }: Snapshot, { style }: Terminal, startedAt: number): string {
  const ready = apps.reduce((sum, app) => sum + app.ready, 0);
  const wanted = apps.reduce((sum, app) => sum + app.wanted, 0);
  return style("dim", `${ready} of ${wanted} ready  ${formatDuration(Date.now() - startedAt)}`);
}

function plainProgress(out: Terminal): Progress {
  const shown = new Map<string, string>();
  return {
    show({ instances }) {
      for (const { name, state } of instances) {
        // Times in a state change with every look; what is new is the state itself.
        const key = `${state.status} ${"ready" in state ? state.ready : ""}`;
        if (shown.get(name) === key) continue;
        shown.set(name, key);
        out.line(`${name}  ${describeState(state, Date.now()).text}`);
      }
    },
    done: () => undefined,
  };
}
