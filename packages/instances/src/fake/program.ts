import type { Clock } from "../driver/clock.ts";
import type { End } from "../driver/to-exit.ts";
import type { FakeStep, SignalAction } from "./script.ts";

/** What a fake program does to the world around it. */
export interface FakeProgramOutlet {
  write(stream: "stdout" | "stderr", text: string): void;
  ended(end: End, oomKills: number): void;
}

/** A fake program that runs: it goes through its steps on the clock and answers to signals. */
export class FakeProgram {
  readonly #clock: Clock;
  readonly #outlet: FakeProgramOutlet;
  readonly #steps: readonly FakeStep[];
  readonly #actions = new Map<string, SignalAction>();
  readonly #timers = new Set<{ cancel(): void }>();
  #at = 0;
  #over = false;

  constructor(steps: readonly FakeStep[], clock: Clock, outlet: FakeProgramOutlet) {
    this.#steps = steps;
    this.#clock = clock;
    this.#outlet = outlet;
  }

  /** Executes steps until one that takes time. */
  run(): void {
    while (!this.#over) {
      const step = this.#steps[this.#at];
      this.#at += 1;
      if (step === undefined) return this.#end({ how: "exited", code: 0 });
      switch (step.kind) {
        case "log":
          this.#outlet.write(step.stream, step.text);
          break;
        case "run":
          if (step.ms !== null) this.#later(step.ms, () => this.run());
          return;
        case "exit":
          return this.#end({ how: "exited", code: step.code });
        case "die":
          return this.#end({ how: "signalled", signal: step.signal });
        case "oom":
          return this.#end({ how: "signalled", signal: "SIGKILL" }, 1);
        case "on-signal":
          this.#actions.set(step.signal, step.action);
          break;
        case "start":
        case "fail":
          break;
      }
    }
  }

  /** Delivers a signal as a kernel does: SIGKILL cannot be handled, what is not handled ends the program. */
  signal(name: string): void {
    if (this.#over) return;
    const action = name === "SIGKILL" ? undefined : this.#actions.get(name);
    if (action === undefined) return this.#end({ how: "signalled", signal: name });
    if (action.kind === "exit") this.#later(action.afterMs, () => this.#end({ how: "exited", code: action.code }));
  }

  #later(ms: number, task: () => void): void {
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }

  #end(end: End, oomKills = 0): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#outlet.ended(end, oomKills);
  }
}
