import { workerData } from "node:worker_threads";
import { wasmActor } from "../wasm/wasm-actor.ts";
import type { WasmWorkerData } from "./wasm-worker-data.ts";
import { serve } from "./worker-node.ts";

// The program of a worker thread that hosts one WASM module; see guarded-wasm.ts.
const { module, options } = workerData as WasmWorkerData;
serve({ wasm: wasmActor(module, options) });
