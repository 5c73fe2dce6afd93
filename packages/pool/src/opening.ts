import type { WarmupGate } from "./warmup-gate.ts";
import type { PoolWorker } from "./worker/pool-worker.ts";

/** Starts a worker when the gate lets it, now or later; `failed` is called when it could not be started at all. */
export function openBehindGate(
  gate: WarmupGate,
  start: () => PoolWorker,
  failed: (error: Error) => void,
): { close(): Promise<void> } {
  const waitMs = gate.waitMs(performance.now());
  let state: { kind: "waiting"; timer: NodeJS.Timeout } | { kind: "open"; worker: PoolWorker } | { kind: "closed" };
  const open = (): void => {
    try {
      state = { kind: "open", worker: start() };
    } catch (error) {
      state = { kind: "closed" };
      failed(error instanceof Error ? error : new Error(String(error)));
    }
  };
  state = { kind: "closed" };
  if (waitMs === 0) open();
  else state = { kind: "waiting", timer: setTimeout(open, waitMs) };
  return {
    async close() {
      if (state.kind === "waiting") clearTimeout(state.timer);
      else if (state.kind === "open") await state.worker.end("the pool was closed");
      state = { kind: "closed" };
    },
  };
}
