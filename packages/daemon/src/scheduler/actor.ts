import { actor, type ActorRef, type ReplyTo } from "@constellation/actors";
import { toConstellationError } from "@constellation/contract";
import type { Observations } from "../agent/index.ts";
import type { RecordKey, Repository } from "../state/index.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the scheduler's line takes: a change asked for, or the wish to look again. */
export type SchedulerMessage =
  | {
      readonly type: "change";
      readonly run: (scheduler: Scheduler) => Promise<unknown>;
      readonly replyTo: ReplyTo<unknown>;
    }
  | { readonly type: "pass" }
  | { readonly type: "look"; readonly app: string }
  | { readonly type: "sweep" };

/** Everything is looked at this often, whether or not somebody said that it changed. */
const sweepMs = 5000;
/** Wait after a pass that failed. */
const retryMs = 200;

/**
 * The one line that every change and every pass stands in, so that two of them never interleave.
 * It wakes at every change of the state and of the instances, and sweeps everything now and then.
 */
export function schedulerActor(
  make: () => Scheduler,
  { mirror }: Repository,
  observations: Observations,
  report: (text: string, error: unknown) => void,
) {
  return actor<SchedulerMessage, State>({
    kind: "scheduler",
    onStart: (_, context) => {
      const { self, system } = context;
      const scheduler = make();
      const dirty = new Set<string>();
      const touch = (apps: Iterable<string>): void => {
        const idle = dirty.size === 0;
        for (const app of apps) dirty.add(app);
        // One look for all that a turn of the event loop changes, and after it: news of it leave first.
        if (idle && dirty.size > 0) system.host.later(() => self.send({ type: "pass" }));
      };
      const unsubscribe = [
        mirror.onChange((keys) => touch(keys.flatMap((key) => (isOfPlans(key) ? [key.app] : [])))),
        observations.onChange(({ app }) => touch([app])),
      ];
      scheduler.begin();
      context.sendEvery(sweepMs, { type: "sweep" });
      self.send({ type: "sweep" });
      return { scheduler, dirty, looking: new Set(), unsubscribe };
    },
    async receive(state, message, context) {
      switch (message.type) {
        case "change":
          return answer(message, state.scheduler);
        case "sweep":
          state.dirty.clear();
          await attempt(() => state.scheduler.pass());
          return;
        case "look":
          state.looking.delete(message.app);
          await attempt(() => state.scheduler.pass([message.app]));
          return;
        case "pass": {
          const { snapshot } = state.scheduler;
          const apps = new Set([...state.dirty].flatMap((app) => [app, ...snapshot.neighbours(app)]));
          state.dirty.clear();
          await attempt(() => state.scheduler.pass(apps));
        }
      }
      async function attempt(pass: () => Promise<ReadonlyMap<string, number>>): Promise<void> {
        try {
          for (const [app, inMs] of await pass()) {
            if (state.looking.has(app)) continue;
            state.looking.add(app);
            context.sendAfter(inMs, { type: "look", app });
          }
        } catch (error) {
          // A conflict only means that somebody was faster; anything else is worth a line. Either way the next look repairs.
          if (toConstellationError(error).code !== "state.conflict") report("a pass of the scheduler failed", error);
          context.sendAfter(retryMs, { type: "sweep" });
        }
      }
    },
    onStop: ({ unsubscribe }) => {
      for (const stop of unsubscribe) stop();
    },
  });
}

/** Of runs the observations tell, and sooner. */
const isOfPlans = (key: RecordKey): key is RecordKey & { readonly app: string } => "app" in key && key.kind !== "run";

interface State {
  readonly scheduler: Scheduler;
  readonly dirty: Set<string>;
  /** Apps whose next look is set. */
  readonly looking: Set<string>;
  readonly unsubscribe: readonly (() => unknown)[];
}

/** A change that is refused is answered, and is no failure of the line. */
async function answer({ run, replyTo }: SchedulerMessage & { type: "change" }, scheduler: Scheduler): Promise<void> {
  try {
    replyTo.send(await run(scheduler));
  } catch (error) {
    replyTo.fail(error);
  }
}

/** Puts a change into the line and waits for its turn. */
export function change<T>(
  line: ActorRef<SchedulerMessage>,
  run: (scheduler: Scheduler) => Promise<T>,
  timeoutMs: number,
): Promise<T> {
  return line.ask<unknown>((replyTo) => ({ type: "change", run, replyTo }), { timeoutMs }) as Promise<T>;
}
