import { workerData } from "node:worker_threads";
import type { WasmActorOptions } from "../wasm/wasm-actor.ts";

/** What a thread that hosts a WASM module is started with. */
export interface WasmWorkerData {
  readonly kind: "wasm-worker";
  readonly module: Uint8Array;
  readonly options: WasmActorOptions;
}

export function workerOptions(): unknown {
  return workerData as unknown;
}

export function isWasmWorkerData(data: unknown): data is WasmWorkerData {
  return typeof data === "object" && data !== null && (data as { kind?: unknown }).kind === "wasm-worker";
}
