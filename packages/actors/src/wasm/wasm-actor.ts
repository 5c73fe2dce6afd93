import { actor } from "../actor/actor.ts";
import type { ReplyTo } from "../vocabulary/actor-ref.ts";
import { type Behavior } from "../vocabulary/behavior.ts";
import { capMemory } from "./cap-memory.ts";
import { maximumPages, WasmHost, type WasmLimits } from "./wasm-host.ts";
import { webAssembly, type WasmModule } from "./web-assembly.ts";

/** What a WASM actor is sent: bytes, and where its answer goes if it gives one. */
export interface WasmMessage {
  readonly bytes: Uint8Array;
  readonly replyTo?: ReplyTo<Uint8Array>;
}

export interface WasmActorOptions extends Partial<WasmLimits> {
  /** What it is called in trees and logs. @default "wasm" */
  readonly kind?: string;
  /**
   * `own`: an instance and a memory for each actor. `shared`: one instance for all actors of this behaviour, which
   * keep their states apart by their number; for when there are more actors than V8 can hold instances.
   * @default "own"
   */
  readonly instance?: "own" | "shared";
}

/**
 * Hosts a WebAssembly module as an actor. The module exports `memory` (or imports `env.memory`),
 * `alloc(len: i32) -> i32` and `handle(ptr: i32, len: i32)`; with a shared instance `handle(actor: i32, ptr: i32,
 * len: i32)`. Optional: `init()`, or `init(actor: i32)` and `drop(actor: i32)` when shared. It may import
 * `env.reply(ptr: i32, len: i32)` and `env.log(ptr: i32, len: i32)`. A trap ends the actor with an error.
 *
 * An actor with its own instance reserves some gigabytes of addresses: V8 holds about 13,000 of them in one process.
 * The host refuses more than `limits.instances`; use a shared instance, or spread them over worker threads.
 *
 * Given as bytes, the engine itself keeps its memory below the limit. In a compiled module with a memory of its own
 * that is looked at after each call only.
 *
 * @throws TypeError when the module lacks an export; RangeError when it wants more memory than it may have
 */
export function wasmActor(module: WasmModule | Uint8Array, options: WasmActorOptions = {}): Behavior<WasmMessage> {
  const { kind = "wasm", instance = "own", memoryBytes = 16 * 1024 * 1024, instances = 10_000 } = options;
  const limits: WasmLimits = { memoryBytes, instances };
  const { Module } = webAssembly();
  const compiled = module instanceof Uint8Array ? new Module(capMemory(module, maximumPages(limits))) : module;
  WasmHost.check(compiled);
  return instance === "own" ? ownInstance(kind, compiled, limits) : sharedInstance(kind, compiled, limits);
}

function ownInstance(kind: string, module: WasmModule, limits: WasmLimits): Behavior<WasmMessage> {
  return actor({
    kind,
    onStart(_args: void, context) {
      const host = new WasmHost(module, limits, (text) => context.system.host.log("info", `${kind}: ${text}`));
      // Not in onStop: a killed actor gives its instance back, too.
      context.system.watch(context.self, () => host.release());
      host.call("init");
      return host;
    },
    receive: (host, message: WasmMessage) => host.handle(message),
  });
}

function sharedInstance(kind: string, module: WasmModule, limits: WasmLimits): Behavior<WasmMessage> {
  // Made with the first actor; after a trap nobody can tell what it holds, so the next start makes a new one.
  let shared: Shared | null = null;
  let serial = 0;
  return actor({
    kind,
    onStart(_args: void, context) {
      if (shared === null || shared.host.hasTrapped) {
        const host = new WasmHost(module, limits, (text) => context.system.host.log("info", `${kind}: ${text}`));
        shared = { host, users: 0 };
      }
      const instance = shared;
      const number = (serial += 1);
      instance.users += 1;
      context.system.watch(context.self, () => {
        leave(instance, number);
        if (instance.users === 0 && shared === instance) shared = null;
      });
      instance.host.call("init", number);
      return { number, instance };
    },
    receive({ number, instance }, message: WasmMessage) {
      if (instance.host.hasTrapped) throw new Error(`The instance that ${kind} ${number} shares has trapped`);
      instance.host.handle(message, number);
    },
  });
}

/** An instance and how many actors share it. */
interface Shared {
  readonly host: WasmHost;
  users: number;
}

function leave(instance: Shared, number: number): void {
  instance.users -= 1;
  try {
    if (!instance.host.hasTrapped) instance.host.call("drop", number);
  } finally {
    if (instance.users === 0) instance.host.release();
  }
}
