import {
  actor,
  ActorSystem,
  exit,
  supervise,
  supervisor,
  type DynamicSupervisor,
  type SupervisorReport,
} from "@constellation/actors";
import type { WorkerExit } from "./worker/link.ts";

/** One worker's place in the tree: opens it again whenever the supervisor says so. */
export interface Seat {
  /** Starts the worker. Calls `ended` once, when it is gone; `crashed` says whether it is to be replaced. */
  open(ended: (exit: WorkerExit, replace: boolean) => void): { close(): Promise<void> };
}

type Ended = { readonly exit: WorkerExit; readonly replace: boolean };
type SeatState = { readonly close: () => Promise<void> };

const seatActor = actor<Ended, SeatState, Seat>({
  kind: "pool-worker",
  onStart(seat, context) {
    const { self } = context;
    const opened = seat.open((ended, replace) => self.send({ exit: ended, replace }));
    return { close: () => opened.close() };
  },
  receive(_state, ended, context) {
    if (!ended.replace) context.stop(exit.normal);
    else context.stop(exit.error(new Error("detail" in ended.exit ? ended.exit.detail : "the worker ended")));
  },
  onStop: (state) => state.close(),
});

/** The supervision tree of one pool: a `simple_one_for_one` supervisor whose children are workers. */
export class Supervision {
  readonly #system: ActorSystem;
  readonly #supervisor: Promise<DynamicSupervisor<Ended, Seat>>;

  constructor(onReport: (report: SupervisorReport) => void, closeTimeoutMs: number) {
    this.#system = new ActorSystem({ name: "pool", logReports: false, logDeadLetters: false, hooks: { onReport } });
    this.#supervisor = supervise(
      this.#system,
      supervisor<Ended, Seat>({
        kind: "pool",
        strategy: "simple_one_for_one",
        // Tasks may crash as often as they like: the backoff bounds the rate, and a pool does not give up.
        intensity: { restarts: 1_000_000, periodMs: 1000 },
        child: {
          start: seatActor,
          restart: "transient",
          shutdown: closeTimeoutMs,
          backoff: { initialMs: 10, maxMs: 1000, resetAfterMs: 1000 },
        },
      }),
    );
  }

  /** Adds a worker to the tree. */
  async add(seat: Seat): Promise<void> {
    const outcome = await (await this.#supervisor).startChild(seat);
    if (outcome.kind === "failed" && outcome.reason.kind === "error") throw outcome.reason.error;
  }

  /** Ends all workers and the tree. */
  async close(timeoutMs: number): Promise<void> {
    await this.#supervisor;
    await this.#system.shutdown(timeoutMs);
  }
}
