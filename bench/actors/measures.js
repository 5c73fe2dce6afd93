// What is measured besides the Savina cases. Each returns one number per run, in the unit that its row says.
import { actor, supervise, supervisor } from "@constellation/actors";
import { startWorker } from "@constellation/actors/node";
import { cpuMs } from "./cpu.js";
import { open as benchSystem } from "./ours.js";

const idle = actor({ onStart: () => ({ count: 0 }), receive: (state) => void (state.count += 1) });
const quantile = (values, share) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** µs of processor time to spawn one actor with a state, a million times. */
export async function spawnMicros() {
  const system = benchSystem();
  const count = 1_000_000;
  const startMs = cpuMs();
  for (let index = 0; index < count; index += 1) system.spawn(idle);
  const micros = ((cpuMs() - startMs) * 1000) / count;
  if (system.size !== count) throw new Error(`expected ${count} actors, found ${system.size}`);
  return micros;
}

/** µs of processor time to start one child under a dynamic supervisor, awaited one by one, a million times. */
export async function startChildMicros() {
  return (await superviseMillion()).micros;
}

/** Bytes of heap for one idle actor with a state under a supervisor, a million of them alive. */
export async function bytesPerActor() {
  return (await superviseMillion()).bytes;
}

async function superviseMillion() {
  const system = benchSystem();
  const tree = await supervise(system, supervisor({ strategy: "simple_one_for_one", child: { start: idle } }));
  const count = 1_000_000;
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const startMs = cpuMs();
  for (let index = 0; index < count; index += 1) await tree.startChild(undefined);
  const micros = ((cpuMs() - startMs) * 1000) / count;
  globalThis.gc();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  if (system.size !== count + 1) throw new Error(`expected ${count + 1} actors, found ${system.size}`);
  return { micros, bytes };
}

const echo = actor({ receive: (_state, replyTo) => void replyTo.send(1) });

/** Million asks with a timeout per second of processor time, 1,000 of them open at a time. */
export async function askMillions() {
  const system = benchSystem();
  const ref = system.spawn(echo);
  const rounds = 500;
  const startMs = cpuMs();
  let answered = 0;
  for (let round = 0; round < rounds; round += 1) {
    const open = [];
    for (let index = 0; index < 1000; index += 1) open.push(ref.ask((replyTo) => replyTo, { timeoutMs: 5000 }));
    for (const reply of open) answered += await reply;
  }
  const millions = answered / (cpuMs() - startMs) / 1000;
  if (answered !== rounds * 1000) throw new Error(`expected ${rounds * 1000} answers, found ${answered}`);
  await system.shutdown();
  return millions;
}

/** Million asks per second of processor time, each awaited before the next. */
export async function askInTurnMillions() {
  const system = benchSystem();
  const ref = system.spawn(echo);
  const count = 300_000;
  const startMs = cpuMs();
  for (let index = 0; index < count; index += 1) await ref.ask((replyTo) => replyTo, { timeoutMs: 5000 });
  const millions = count / (cpuMs() - startMs) / 1000;
  await system.shutdown();
  return millions;
}

/** µs from a send to an idle actor, out of a timer, until its handler runs: p50 and p99. */
export async function idleToHandledMicros() {
  const system = benchSystem();
  const waits = [];
  const ref = system.spawn(
    actor({ receive: (_state, sentMs) => void waits.push((performance.now() - sentMs) * 1000) }),
  );
  for (let index = 0; index < 500; index += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    ref.send(performance.now());
  }
  await nextTurn();
  await system.shutdown();
  return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) };
}

/** ms that a timer of the host is late while a thousand actors keep the runtime saturated: p99. */
export async function timerLatenessMs() {
  const system = benchSystem();
  let runs = true;
  const node = actor({
    onStart: () => ({ next: null }),
    receive(state, message) {
      if (typeof message === "number") {
        if (runs) state.next.send(message);
      } else state.next = message;
    },
  });
  const ring = Array.from({ length: 1000 }, () => system.spawn(node));
  for (const [index, ref] of ring.entries()) ref.send(ring[(index + 1) % ring.length]);
  for (const ref of ring) ref.send(1);
  const late = [];
  for (let index = 0; index < 500; index += 1) {
    const dueMs = performance.now() + 2;
    await new Promise((resolve) => setTimeout(resolve, 2));
    late.push(performance.now() - dueMs);
  }
  runs = false;
  await nextTurn();
  await system.shutdown();
  return quantile(late, 0.99);
}

/** µs from a crash until the child in its place handles its next message, 10,000 other actors alive: p50 and p99. */
export async function restartMicros() {
  const system = benchSystem();
  for (let index = 0; index < 10_000; index += 1) system.spawn(idle);
  const times = [];
  const count = 20_000;
  let crashedMs = 0;
  const { promise, resolve } = deferred();
  const child = actor({
    onStart: (_args, context) => void context.self.send("next"),
    receive() {
      const nowMs = performance.now();
      if (crashedMs > 0) times.push((nowMs - crashedMs) * 1000);
      if (times.length === count) {
        resolve();
        return;
      }
      crashedMs = performance.now();
      throw new Error("crash");
    },
  });
  const intensity = { restarts: count + 1, periodMs: 1000 };
  await supervise(system, supervisor({ intensity, children: [{ id: "child", start: child }] }));
  await promise;
  await system.shutdown();
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

/** Million messages per second to an actor on a worker thread, all of them handled there before the clock stops. */
export async function workerMillions() {
  const system = benchSystem();
  const node = await startWorker(system, new URL("counting-worker.js", import.meta.url));
  const ref = await node.connection.spawn("counter");
  await ref.ask((replyTo) => replyTo);
  const count = 1_000_000;
  const startMs = performance.now();
  for (let index = 0; index < count; index += 1) if (ref.send(index) !== "queued") await ref.offer(index);
  const handled = await ref.ask((replyTo) => replyTo, { timeoutMs: 60_000 });
  const millions = count / (performance.now() - startMs) / 1000;
  if (handled !== count) throw new Error(`expected ${count} handled messages, found ${handled}`);
  await node.terminate();
  await system.shutdown();
  return millions;
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
