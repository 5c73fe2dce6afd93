import { getHeapStatistics } from "node:v8";
import { workerData, type MessagePort } from "node:worker_threads";
import { beginningsAt, isWithin, mostUnread, readingsAt, type Batch } from "../wire/protocol.ts";
import { banSpawning } from "./ban-spawning.ts";
import { Runtime } from "./runtime.ts";

/** What a thread gets at its start. */
export interface ThreadData {
  readonly port: MessagePort;
  /** In shared memory; see `beginningsAt` and `readingsAt`. */
  readonly words: Int32Array;
  readonly bansSpawning: boolean;
}

const { port, words, bansSpawning } = workerData as ThreadData;
if (bansSpawning) banSpawning();

let posted = 0;
const runtime = new Runtime({
  post: (batch, transfer) => {
    port.postMessage(batch, transfer ?? []);
    // Not before: what cannot be cloned is never read.
    posted = (posted + 1) | 0;
  },
  postBytes: (bytes) => {
    // Only these: to clone a view is to clone all of the memory that it looks at.
    const copy = new Uint8Array(bytes);
    port.postMessage(copy, [copy.buffer]);
    posted = (posted + 1) | 0;
  },
  isCongested: () => ((posted - Atomics.load(words, readingsAt.byPool)) | 0) > mostUnread,
  noteStarted: (id) => void Atomics.store(words, beginningsAt.started, id),
  mayGoOn: (id) => isWithin(Atomics.load(words, beginningsAt.limit), id),
  memoryBytes: () => {
    const heap = getHeapStatistics();
    return heap.total_heap_size + heap.external_memory + heap.malloced_memory;
  },
  // oxlint-disable-next-line node/no-process-exit -- in a thread this ends only the thread
  end: () => process.exit(0),
});
// What was done before somebody called `process.exit` is still told.
process.on("exit", runtime.flush);
// What was lost may have been a task: its caller is told by our end.
port.on("messageerror", (error) => {
  throw error;
});
port.on("message", (message: Batch | Uint8Array) => {
  Atomics.add(words, readingsAt.byWorker, 1);
  if (Array.isArray(message)) runtime.receive(message);
  else runtime.receiveBytes(message);
});
