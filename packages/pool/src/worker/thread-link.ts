import { MessageChannel, receiveMessageOnPort, Worker, type ResourceLimits } from "node:worker_threads";
import type { ThreadData } from "../entry/thread-entry.ts";
import { beginningsAt, mostUnread, readingsAt, unlimited, type Batch } from "../wire/protocol.ts";
import { entryUrl, type Link, type LinkEvents, type WorkerExit } from "./link.ts";

/** Settings of worker threads. */
export interface ThreadSettings {
  readonly resourceLimits?: ResourceLimits;
  /** Flags of Node that threads can have, such as `--import`. Those of this program are not handed on. @default none */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a worker thread. */
export function startThread(settings: ThreadSettings, events: LinkEvents): Link {
  const { port1, port2 } = new MessageChannel();
  const words = new Int32Array(new SharedArrayBuffer(16));
  words[beginningsAt.limit] = unlimited;
  const data: ThreadData = { port: port2, words, bansSpawning: true };
  let worker: Worker;
  try {
    worker = new Worker(entryUrl("thread-entry"), {
      workerData: data,
      transferList: [port2],
      // A test runner's loader hooks are for its own threads.
      execArgv: [...(settings.execArgv ?? [])],
      ...(settings.env === undefined ? {} : { env: settings.env }),
      ...(settings.resourceLimits === undefined ? {} : { resourceLimits: settings.resourceLimits }),
    });
  } catch (error) {
    port1.close();
    throw error;
  }
  let failure: Error | null = null;
  let terminated = false;
  let posted = 0;
  const receive = (message: Batch | Uint8Array): void => {
    Atomics.add(words, readingsAt.byPool, 1);
    if (Array.isArray(message)) events.onBatch(message);
    else events.onBytes(message);
  };
  port1.on("message", receive);
  // What was lost may have been an answer: its task would wait for ever.
  port1.on("messageerror", (error) => {
    failure = error;
    void worker.terminate();
  });
  worker.on("error", (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  worker.on("exit", (code) => {
    for (;;) {
      const last: { message: Batch | Uint8Array } | undefined = receiveMessageOnPort(port1);
      if (last === undefined) break;
      receive(last.message);
    }
    port1.close();
    events.onExit(exitOf(code, failure, terminated));
  });
  return {
    id: worker.threadId,
    placement: "thread",
    get isCongested() {
      return ((posted - Atomics.load(words, readingsAt.byWorker)) | 0) > mostUnread;
    },
    post: (batch, transfer) => {
      if (transfer === null) port1.postMessage(batch);
      else port1.postMessage(batch, transfer);
      // Not before: what cannot be cloned is never read.
      posted = (posted + 1) | 0;
    },
    postBytes: (bytes) => {
      // Only these: to clone a view is to clone all of the memory that it looks at.
      const copy = new Uint8Array(bytes);
      port1.postMessage(copy, [copy.buffer]);
      posted = (posted + 1) | 0;
    },
    lastStarted: () => Atomics.load(words, beginningsAt.started),
    limit: (id) => void Atomics.store(words, beginningsAt.limit, id),
    async terminate() {
      terminated = true;
      await worker.terminate();
    },
    // The thread sets its own; from outside its kernel id is not known.
    setNiceness: () => false,
    close: () => port1.close(),
  };
}

function exitOf(code: number, failure: Error | null, terminated: boolean): WorkerExit {
  if (failure !== null && (failure as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY")
    return { kind: "out-of-memory", detail: "the thread reached its heap limit" };
  if (failure !== null)
    return { kind: "crashed", detail: `uncaught ${failure.name}: ${failure.message}`, error: failure };
  if (terminated || code === 0) return { kind: "ended" };
  return { kind: "crashed", detail: `exit code ${code}` };
}
