import type { ReplyTo } from "../vocabulary/actor-ref.ts";
import { webAssembly, type WasmInstance, type WasmMemory, type WasmModule } from "./web-assembly.ts";

export interface WasmLimits {
  /** The memory of an instance cannot grow beyond this. @default 16 MiB */
  readonly memoryBytes: number;
  /** Instances in this thread, over all behaviours; V8 ends the process at about 13,000. @default 10_000 */
  readonly instances: number;
}

const pageBytes = 65_536;
let living = 0;

/** WASM instances that are alive in this thread. */
export function instanceCount(): number {
  return living;
}

/** One instance with its memory, and what it may do. */
export class WasmHost {
  readonly #instance: WasmInstance;
  readonly #memory: WasmMemory;
  readonly #limits: WasmLimits;
  #replyTo: ReplyTo<Uint8Array> | null = null;
  #isReleased = false;
  /** After a trap its memory may be in any state. */
  hasTrapped = false;

  /** @throws RangeError when there are too many instances */
  constructor(module: WasmModule, limits: WasmLimits, log: (text: string) => void) {
    if (living >= limits.instances)
      throw new RangeError(
        `Cannot make one more WASM instance: ${living} are alive, the limit is ${limits.instances}; share an instance, or spread actors over worker threads`,
      );
    const wasm = webAssembly();
    const imported = importsMemory(module) ? new wasm.Memory({ initial: 1, maximum: maximumPages(limits) }) : null;
    const env = {
      ...(imported === null ? {} : { memory: imported }),
      reply: (pointer: number, length: number) => this.#replyTo?.send(this.#read(pointer, length)),
      log: (pointer: number, length: number) => log(new TextDecoder().decode(this.#read(pointer, length))),
    };
    this.#limits = limits;
    this.#instance = new wasm.Instance(module, { env });
    this.#memory = imported ?? (this.#instance.exports["memory"] as WasmMemory);
    living += 1;
  }

  /** @throws TypeError when the module is not what actors can host */
  static check(module: WasmModule): void {
    const { Module } = webAssembly();
    const exported = new Set(Module.exports(module).map(({ name, kind }) => `${kind} ${name}`));
    const wanted = ["function alloc", "function handle", ...(importsMemory(module) ? [] : ["memory memory"])];
    const missing = wanted.filter((name) => !exported.has(name));
    if (missing.length > 0)
      throw new TypeError(`Cannot host the WASM module as an actor: it does not export ${missing.join(", ")}`);
  }

  /** Gives the instance one message. @throws whatever it traps with; RangeError when its memory grew too large */
  handle(
    { bytes, replyTo }: { readonly bytes: Uint8Array; readonly replyTo?: ReplyTo<Uint8Array> },
    ...actor: number[]
  ): void {
    this.#replyTo = replyTo ?? null;
    try {
      const pointer = this.#invoke("alloc", [bytes.byteLength]) as number;
      new Uint8Array(this.#memory.buffer, pointer, bytes.byteLength).set(bytes);
      this.#invoke("handle", [...actor, pointer, bytes.byteLength]);
    } finally {
      this.#replyTo = null;
    }
  }

  /** Calls an optional export. */
  call(name: "init" | "drop", ...args: number[]): void {
    if (typeof this.#instance.exports[name] === "function") this.#invoke(name, args);
  }

  /** The instance is not used any more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    living -= 1;
  }

  #invoke(name: string, args: readonly number[]): unknown {
    try {
      const result = (this.#instance.exports[name] as (...args: readonly number[]) => unknown)(...args);
      const { byteLength } = this.#memory.buffer;
      if (byteLength > this.#limits.memoryBytes)
        throw new RangeError(`WASM memory grew to ${byteLength} bytes: the limit is ${this.#limits.memoryBytes}`);
      return result;
    } catch (error) {
      this.hasTrapped = true;
      throw error;
    }
  }

  #read(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, pointer, length).slice();
  }
}

function importsMemory(module: WasmModule): boolean {
  return webAssembly()
    .Module.imports(module)
    .some(({ kind }) => kind === "memory");
}

/** Whole pages that the limit has room for. @throws RangeError when that is none */
export function maximumPages({ memoryBytes }: WasmLimits): number {
  if (!(memoryBytes >= pageBytes))
    throw new RangeError(`Cannot limit WASM memory to ${memoryBytes} bytes: wanted one page (${pageBytes}) or more`);
  return Math.floor(memoryBytes / pageBytes);
}
