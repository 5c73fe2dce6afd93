/** The part of the engine's WebAssembly interface that actors use. */
export interface WasmModule {
  readonly [Symbol.toStringTag]?: string;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WasmNamespace {
  Module: {
    new (bytes: Uint8Array): WasmModule;
    exports(module: WasmModule): { readonly name: string; readonly kind: string }[];
    imports(module: WasmModule): { readonly module: string; readonly name: string; readonly kind: string }[];
  };
  Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => WasmInstance;
  Memory: new (limits: { readonly initial: number; readonly maximum: number }) => WasmMemory;
  readonly RuntimeError: new (message?: string) => Error;
}

/** @throws Error in an engine without WebAssembly */
export function webAssembly(): WasmNamespace {
  const namespace = (globalThis as { WebAssembly?: WasmNamespace }).WebAssembly;
  if (namespace === undefined) throw new Error("Cannot host a WebAssembly actor: this engine has no WebAssembly");
  return namespace;
}
