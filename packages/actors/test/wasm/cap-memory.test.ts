import wabtFactory from "wabt";
import { beforeAll, expect, it } from "vitest";
import { capMemory } from "../../src/wasm/cap-memory.ts";
import { webAssembly, type WasmMemory } from "../../src/wasm/web-assembly.ts";
import { fc } from "../fixtures/fast-check.ts";

let assemble: (text: string) => Uint8Array = () => new Uint8Array();
beforeAll(async () => {
  const wabt = await wabtFactory();
  assemble = (text) => wabt.parseWat("test.wat", text).toBinary({}).buffer;
});

/** A module with such a memory, behind and before other sections. */
const withMemory = (limits: string): Uint8Array =>
  assemble(`(module (func $f (result i32) (memory.grow (i32.const 1))) (memory (export "memory") ${limits})
    (export "grow" (func $f)) (data (i32.const 0) "text"))`);

/** How many pages the memory has when it can grow no further. */
function mostPages(module: Uint8Array): number {
  const { Module, Instance } = webAssembly();
  const { exports } = new Instance(new Module(module), {});
  const { memory, grow } = exports as { memory: WasmMemory; grow: () => number };
  for (let tries = 0; tries < 1000; tries += 1) if (grow() === -1) break;
  return memory.buffer.byteLength / 65_536;
}

it("a memory cannot grow beyond the cap, nor beyond its own maximum", () => {
  expect(mostPages(capMemory(withMemory("1"), 5))).toBe(5);
  expect(mostPages(capMemory(withMemory("1 3"), 5))).toBe(3);
  expect(mostPages(capMemory(withMemory("2 300"), 200))).toBe(200);
  expect(mostPages(capMemory(withMemory("5"), 5))).toBe(5);
  expect(() => capMemory(withMemory("6"), 5)).toThrow("it wants 6 pages of memory, the limit is 5");
});

it("a module without a memory of its own stays as it is", () => {
  for (const text of ["(module)", '(module (import "env" "memory" (memory 1)))', "(module (func))"]) {
    const module = assemble(text);
    expect(capMemory(module, 5)).toEqual(module);
  }
});

it("any bytes end in a module for the engine to judge, or in an error that says so", () => {
  const valid = withMemory("1 300");
  const damaged = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = valid.slice();
      for (const [index, value] of changes) bytes[index] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      try {
        expect(capMemory(bytes, 5)).toBeInstanceOf(Uint8Array);
      } catch (error) {
        expect(String(error)).toMatch(/^(TypeError|RangeError): Cannot host the WASM module/);
      }
    }),
    { numRuns: 1000 },
  );
});
