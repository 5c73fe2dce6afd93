import { actor } from "../actor/actor.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import type { Context } from "../actor/context.ts";
import type { ActorSignal } from "../vocabulary/signal.ts";
import type { ActorSystem } from "../system/system.ts";

/** How long an expectation waits when it does not say, on the clock of the system's host. */
const patienceMs = 3000;

/**
 * An actor that a test holds in its hands: it keeps what it receives until the test asks. With a manual host the
 * waits pass in virtual time: advance it while an expectation waits.
 */
export class Probe<Message> {
  readonly ref: ActorRef<Message>;
  readonly #system: ActorSystem;
  readonly #messages: Message[] = [];
  readonly #signals: ActorSignal[] = [];
  readonly #waiting: (() => void)[] = [];
  #context: Context<Message> | null = null;

  constructor(system: ActorSystem, name?: string) {
    this.#system = system;
    const behavior = actor({
      kind: "probe",
      trapExits: true,
      mailbox: { capacity: "unbounded" },
      onStart: (_args: void, context: Context<Message>) => void (this.#context = context),
      receive: (_state, message: Message) => this.#take(() => this.#messages.push(message)),
      onSignal: (_state, signal) => this.#take(() => this.#signals.push(signal)),
    });
    this.ref = system.spawn(behavior, name === undefined ? {} : { name });
  }

  /** What the probe can do as an actor: link, monitor, spawn. */
  get context(): Context<Message> {
    if (this.#context === null) throw new Error(`Probe ${this.ref.address} has not started`);
    return this.#context;
  }

  /** Messages that no expectation has taken. */
  get waiting(): number {
    return this.#messages.length;
  }

  /** Takes the next message. @throws Error when none comes in time. */
  async expect(withinMs: number = patienceMs): Promise<Message> {
    await this.#until(() => this.#messages.length > 0, withinMs, "a message");
    return this.#messages.shift() as Message;
  }

  /** Takes messages until one matches, and returns that one. @throws Error when none does in time. */
  async fishFor(matches: (message: Message) => boolean, withinMs: number = patienceMs): Promise<Message> {
    let found: Message | undefined;
    const fish = (): boolean => {
      while (found === undefined && this.#messages.length > 0) {
        const message = this.#messages.shift() as Message;
        if (matches(message)) found = message;
      }
      return found !== undefined;
    };
    await this.#until(fish, withinMs, "a message that matches");
    return found as Message;
  }

  /** Takes the next exit, `Down` or timeout. @throws Error when none comes in time. */
  async expectSignal(withinMs: number = patienceMs): Promise<ActorSignal> {
    await this.#until(() => this.#signals.length > 0, withinMs, "a signal");
    return this.#signals.shift() as ActorSignal;
  }

  /** Makes sure that nothing comes for `duringMs`. @throws Error naming what came. */
  async expectNone(duringMs: number): Promise<void> {
    await this.#pass(duringMs, () => this.#messages.length > 0);
    if (this.#messages.length > 0)
      throw new Error(
        `Probe ${this.ref.address} wanted no message for ${duringMs} ms and got ${show(this.#messages[0])}`,
      );
  }

  /** Runs `block` and makes sure that it ends in time. @throws Error when it does not. */
  async within<Result>(withinMs: number, block: () => Promise<Result>): Promise<Result> {
    let settled = false;
    const result = block().finally(() => {
      settled = true;
      this.#wake();
    });
    await Promise.race([result, this.#until(() => settled, withinMs, "the block to end")]);
    return result;
  }

  async #until(isReady: () => boolean, withinMs: number, what: string): Promise<void> {
    if (isReady() || (await this.#pass(withinMs, isReady))) return;
    throw new Error(
      `Probe ${this.ref.address} waited ${withinMs} ms for ${what}; ${this.#messages.length} messages are here: ${show(this.#messages)}`,
    );
  }

  /** Waits until `isReady`, at most `durationMs`; true when it was. */
  #pass(durationMs: number, isReady: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#system.host.after(durationMs, () => finish(false));
      const look = (): void => {
        if (isReady()) finish(true);
      };
      const finish = (ready: boolean): void => {
        timer.cancel();
        const index = this.#waiting.indexOf(look);
        if (index !== -1) this.#waiting.splice(index, 1);
        resolve(ready);
      };
      this.#waiting.push(look);
      look();
    });
  }

  #take(keep: () => void): void {
    keep();
    this.#wake();
  }

  #wake(): void {
    for (const look of this.#waiting.slice()) look();
  }
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
