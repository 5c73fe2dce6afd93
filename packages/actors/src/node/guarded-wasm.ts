import { actor } from "../actor/actor.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { AskError } from "../vocabulary/ask-error.ts";
import { type Behavior } from "../vocabulary/behavior.ts";
import type { WasmActorOptions, WasmMessage } from "../wasm/wasm-actor.ts";
import type { WasmWorkerData } from "./wasm-worker-data.ts";
import { startWorker, type WorkerNode } from "./worker-node.ts";

export interface GuardedWasmOptions extends WasmActorOptions {
  /** A message that takes longer ends the actor, and its thread with it. */
  readonly deadlineMs: number;
}

/** A WASM actor used up its time. */
export class WasmDeadlineError extends Error {
  override readonly name = "WasmDeadlineError";
}

const program = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/node/wasm-worker.js" : "wasm-worker.js",
  import.meta.url,
);

/**
 * Hosts a WebAssembly module in a worker thread of its own, so that an endless loop is ended after `deadlineMs`.
 * Every message must be answered: that is how the end of its handling is seen.
 */
export function guardedWasmActor(bytes: Uint8Array, options: GuardedWasmOptions): Behavior<WasmMessage> {
  const { deadlineMs, ...rest } = options;
  const data: WasmWorkerData = { module: bytes, options: rest };
  return actor({
    kind: options.kind ?? "guarded wasm",
    async onStart(_args: void, context): Promise<{ node: WorkerNode; ref: ActorRef<WasmMessage> }> {
      const node = await startWorker(context.system, program, { workerData: data });
      // Not in onStop alone: with a killed actor its thread ends, too.
      context.system.watch(context.self, () => void node.terminate());
      try {
        return { node, ref: await node.connection.spawn<WasmMessage>("wasm") };
      } catch (error) {
        await node.terminate();
        throw error;
      }
    },
    async receive({ ref }, message: WasmMessage) {
      const answer = await ref
        .ask<Uint8Array>((replyTo) => ({ bytes: message.bytes, replyTo }), { timeoutMs: deadlineMs })
        .catch((error: unknown) => {
          if (error instanceof AskError && error.code === "timeout")
            throw new WasmDeadlineError(`WASM did not answer within ${deadlineMs} ms`);
          throw error;
        });
      message.replyTo?.send(answer);
    },
    onStop: ({ node }) => node.terminate(),
  });
}
