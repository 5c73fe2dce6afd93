import type { WasmActorOptions } from "../wasm/wasm-actor.ts";

/** What a thread that hosts a WASM module is started with. */
export interface WasmWorkerData {
  readonly module: Uint8Array;
  readonly options: WasmActorOptions;
}
