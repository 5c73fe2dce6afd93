// effect: a fiber that takes from a queue is its actor.
import { Deferred, Effect, Fiber, Queue } from "effect";

export function pingPong(messages, done) {
  const program = Effect.gen(function* () {
    const a = yield* Queue.unbounded();
    const b = yield* Queue.unbounded();
    const player = (mine, other) =>
      Effect.gen(function* () {
        for (;;) {
          const left = yield* Queue.take(mine);
          if (left === 0) return;
          yield* Queue.offer(other, left - 1);
          if (left === 1) return;
        }
      });
    yield* Queue.offer(a, messages);
    yield* Effect.all([player(a, b), player(b, a)], { concurrency: 2 });
  });
  void finish(program, done);
}

export function counting(messages, done) {
  const program = Effect.gen(function* () {
    const queue = yield* Queue.unbounded();
    for (let index = 0; index < messages; index += 1) yield* Queue.offer(queue, 1);
    for (let count = 0; count < messages; count += 1) yield* Queue.take(queue);
  });
  void finish(program, done);
}

export async function spawning(count) {
  const program = Effect.gen(function* () {
    for (let index = 0; index < count; index += 1) {
      const queue = yield* Queue.unbounded();
      yield* Effect.forkDetach(Queue.take(queue));
    }
  });
  await Effect.runPromise(program);
}

export async function asking(count) {
  const program = Effect.gen(function* () {
    const queue = yield* Queue.unbounded();
    const server = Effect.gen(function* () {
      for (;;) yield* Deferred.succeed(yield* Queue.take(queue), 1);
    });
    yield* Effect.forkDetach(server);
    for (let index = 0; index < count; index += 1) {
      const reply = yield* Deferred.make();
      yield* Queue.offer(queue, reply);
      yield* Effect.timeout(Deferred.await(reply), "5 seconds");
    }
  });
  await Effect.runPromise(program);
}

async function finish(program, done) {
  await Effect.runPromise(program);
  done(() => {});
}

/** A kind of actor for the cases that all runtimes share. */
export const actor = (definition) => definition;

export function open() {
  const system = { handled: 0, fibers: new Set(), spawn };
  return system;

  function spawn({ onStart, receive }, { args } = {}) {
    const queue = Effect.runSync(Queue.unbounded());
    const ref = { send: (message) => Queue.offerUnsafe(queue, message) };
    const life = { goesOn: true };
    const context = { self: ref, stop: () => (life.goesOn = false) };
    let state = onStart?.(args, context);
    const loop = Effect.gen(function* () {
      while (life.goesOn) {
        const message = yield* Queue.take(queue);
        system.handled += 1;
        const next = receive(state, message, context);
        if (next !== undefined) state = next;
      }
      system.fibers.delete(fiber);
    });
    const fiber = Effect.runFork(loop);
    system.fibers.add(fiber);
    return ref;
  }
}

export const counts = ({ handled }) => ({ handled, dropped: 0 });
export const close = ({ fibers }) => Effect.runPromise(Fiber.interruptAll(fibers));
