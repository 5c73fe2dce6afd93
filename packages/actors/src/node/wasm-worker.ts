import { isMainThread, parentPort } from "node:worker_threads";
import { isWasmWorkerData, workerOptions } from "./wasm-worker-data.ts";
import { wasmActor } from "../wasm/wasm-actor.ts";
import { serve } from "./worker-node.ts";

// The program of a worker thread that hosts one WASM module; see guarded-wasm.ts.
if (!isMainThread && parentPort !== null) {
  const data = workerOptions();
  if (isWasmWorkerData(data)) serve({ wasm: wasmActor(data.module, data.options) });
}
