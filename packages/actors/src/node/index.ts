/** What only Node can do: sockets, worker threads, files. */
export { cloneCodec } from "./clone-codec.ts";
export { FileSnapshots } from "./file-snapshots.ts";
export { guardedWasmActor, WasmDeadlineError, type GuardedWasmOptions } from "./guarded-wasm.ts";
export { connectSocket, listenSocket, SocketTransport, type SocketListener } from "./socket-transport.ts";
export { serve, startWorker, type ServedSystem, type ServeOptions, type WorkerNode } from "./worker-node.ts";
