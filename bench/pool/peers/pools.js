// Every pool behind the same three functions: start with n workers, run one echo, close.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import { Worker as JestWorker } from "jest-worker";
import { Piscina } from "piscina";
import { FixedClusterPool, FixedThreadPool } from "poolifier";
import { Tinypool } from "tinypool";
import workerpool from "workerpool";
import { createPool } from "../../../packages/pool/dist/index.js";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const ours = (placement) => async (workers) => {
  const pool = createPool({ module: new URL("../tasks.js", import.meta.url), placement, workers });
  await pool.ready();
  return { echo: (value) => pool.run("echo", value), close: () => pool.close() };
};

const raw = (start) => async () => {
  // One worker, one call at a time in flight per id: what the platform itself costs.
  const worker = start();
  const waiting = new Map();
  let last = 0;
  worker.on("message", ({ id, value }) => {
    waiting.get(id)(value);
    waiting.delete(id);
  });
  const post =
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage === undefined ? (message) => worker.send(message) : (message) => worker.postMessage(message);
  const echo = (value) =>
    new Promise((resolve) => {
      waiting.set((last += 1), resolve);
      post({ id: last, value });
    });
  await echo(0);
  return { echo, close: async () => (worker.terminate === undefined ? worker.kill() : worker.terminate()) };
};

export const threads = {
  constellation: ours("thread"),
  piscina: async (n) => {
    const pool = new Piscina({ filename: here("../tasks.js"), minThreads: n, maxThreads: n });
    return { echo: (value) => pool.run(value, { name: "echo" }), close: () => pool.destroy() };
  },
  tinypool: async (n) => {
    const pool = new Tinypool({ filename: new URL("../tasks.js", import.meta.url).href, minThreads: n, maxThreads: n });
    return { echo: (value) => pool.run(value, { name: "echo" }), close: () => pool.destroy() };
  },
  workerpool: async (n) => {
    const pool = workerpool.pool(here("worker-workerpool.js"), { minWorkers: n, maxWorkers: n, workerType: "thread" });
    return { echo: (value) => pool.exec("echo", [value]), close: () => pool.terminate(true) };
  },
  poolifier: async (n) => {
    const pool = new FixedThreadPool(n, here("worker-poolifier.cjs"));
    return { echo: (value) => pool.execute(value), close: () => pool.destroy() };
  },
  "jest-worker": async (n) => {
    const pool = new JestWorker(here("worker-jest.cjs"), { numWorkers: n, enableWorkerThreads: true });
    return { echo: (value) => pool.echo(value), close: () => pool.end() };
  },
  "node Worker, one": raw(() => new Thread(here("raw-worker.js"))),
};

export const processes = {
  constellation: ours("process"),
  tinypool: async (n) => {
    const pool = new Tinypool({
      filename: new URL("../tasks.js", import.meta.url).href,
      minThreads: n,
      maxThreads: n,
      runtime: "child_process",
    });
    return { echo: (value) => pool.run(value, { name: "echo" }), close: () => pool.destroy() };
  },
  workerpool: async (n) => {
    const pool = workerpool.pool(here("worker-workerpool.js"), { minWorkers: n, maxWorkers: n, workerType: "process" });
    return { echo: (value) => pool.exec("echo", [value]), close: () => pool.terminate(true) };
  },
  poolifier: async (n) => {
    const pool = new FixedClusterPool(n, here("worker-poolifier.cjs"));
    return { echo: (value) => pool.execute(value), close: () => pool.destroy() };
  },
  "jest-worker": async (n) => {
    const pool = new JestWorker(here("worker-jest.cjs"), { numWorkers: n });
    return { echo: (value) => pool.echo(value), close: () => pool.end() };
  },
  "node fork, one": raw(() => fork(here("raw-worker.js"))),
};
