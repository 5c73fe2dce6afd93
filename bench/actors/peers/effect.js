// effect: a fiber that takes from a queue is its actor.
import { Deferred, Effect, Queue } from "effect";

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
