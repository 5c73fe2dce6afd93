import type { Exit, InstanceState } from "@constellation/contract";
import type { InstanceObserver } from "@constellation/instances";

/** What an instance told, in order. */
export class Diary implements InstanceObserver {
  readonly states: InstanceState[] = [];
  readonly ends: { runId: string; exit: Exit }[] = [];
  readonly probes: string[] = [];
  readonly troubles: string[] = [];
  starts = 0;
  changed(state: InstanceState): void {
    this.states.push(state);
  }
  started(): void {
    this.starts += 1;
  }
  ended(runId: string, exit: Exit): Promise<void> {
    this.ends.push({ runId, exit });
    return Promise.resolve();
  }
  probed(purpose: string, ok: boolean): void {
    this.probes.push(`${purpose} ${ok ? "up" : "down"}`);
  }
  trouble(what: string): void {
    this.troubles.push(what);
  }
  get path(): string {
    return this.states.map(({ status }) => status).join(" ");
  }
}
