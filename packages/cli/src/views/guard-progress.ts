import { formatBytes, formatDuration } from "@constellation/contract";
import type { GuardSample, PolicyState, RunEvent } from "@constellation/guard";
import { bar } from "../terminal/bar.ts";
import { liveRegion } from "../terminal/live.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Shows a guarded run while it goes on. */
export interface GuardProgress {
  show(event: RunEvent): void;
  note(text: string): void;
  done(): void;
}

const barColumns = 20;
/** Tests end faster than anybody reads; drawing each of them would cost more than watching over them. */
const drawEveryMs = 100;
const roundSeconds = (ms: number): number => Math.max(1000, Math.round(ms / 1000) * 1000);

/** A live region with tests, what is left, memory and CPU on a terminal; else only lines for what is out of the ordinary. */
export function guardProgress(err: Terminal, live: boolean): GuardProgress {
  const { style } = err;
  const region = live && err.interactive ? liveRegion(err) : undefined;
  let startedAt = performance.now();
  const counts = { passed: 0, failed: 0, skipped: 0, carried: 0, expected: 0 };
  const notes: string[] = [];
  let now: { readonly sample: GuardSample; readonly state: PolicyState } | undefined;
  const note = (text: string): void => {
    if (region === undefined) err.line(style("dim", `guard: ${text}`));
    else notes.push(text);
  };
  let drawnAt = -Infinity;
  const draw = (always = false): void => {
    if (region === undefined || (!always && performance.now() - drawnAt < drawEveryMs)) return;
    drawnAt = performance.now();
    const tookMs = performance.now() - startedAt;
    const finished = counts.passed + counts.failed + counts.skipped;
    const rate = finished / Math.max(0.001, tookMs / 1000);
    const left = counts.expected - counts.carried - finished;
    const eta = left > 0 && finished > 0 ? `, about ${formatDuration(roundSeconds((left / rate) * 1000))} left` : "";
    const of = counts.expected > 0 && left >= 0 ? ` of ${counts.expected}` : "";
    region.draw([
      ...notes.slice(-3).map((text) => style("dim", text)),
      ...(of === "" ? [] : [`tests  ${bar((finished + counts.carried) / counts.expected, barColumns)}`]),
      `${style("strong", String(finished + counts.carried))}${of} tests${counts.carried > 0 ? ` (${counts.carried} carried)` : ""}, ${counts.failed > 0 ? style("bad", `${counts.failed} failed`) : "0 failed"}, ${rate.toFixed(1)}/s, ${formatDuration(roundSeconds(tookMs))}${eta}`,
      ...(now === undefined ? [] : machineLines(now.sample, now.state)),
    ]);
  };
  const machineLines = ({ bounds, cpuShare = 0, treeBytes }: GuardSample, { level, reason }: PolicyState): string[] => {
    const fullest = Math.max(0, ...bounds.map(({ usedBytes, limitBytes }) => usedBytes / limitBytes));
    const own = treeBytes === undefined ? "" : `, this run ${formatBytes(treeBytes)}`;
    return [
      `memory ${bar(fullest, barColumns)} ${Math.round(fullest * 100)} %${own}`,
      `CPU    ${bar(cpuShare, barColumns)} ${Math.round(cpuShare * 100)} %`,
      level === "run"
        ? style("good", "level run")
        : style(level === "shed" ? "warning" : "bad", `level ${level}: ${reason}`),
    ];
  };
  return {
    note,
    show(event) {
      if (event.kind === "note") note(event.text);
      else if (event.kind === "started") {
        Object.assign(counts, { carried: event.carried, expected: event.expected, passed: 0, failed: 0, skipped: 0 });
        startedAt = performance.now();
        note(
          `${event.framework} (${event.because}), attempt ${event.attempt}${event.carried > 0 ? `, ${event.carried} tests are finished already` : ""}`,
        );
      } else if (event.kind === "level" && region === undefined)
        note(event.state.level === "run" ? "back to normal" : `level ${event.state.level}: ${event.state.reason}`);
      else if (event.kind === "record" && event.record.kind === "test") counts[event.record.status] += 1;
      else if (event.kind === "sample") now = event;
      draw();
    },
    done: () => {
      draw(true);
      region?.done();
    },
  };
}
