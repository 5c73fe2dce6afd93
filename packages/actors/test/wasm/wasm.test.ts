import { readdirSync } from "node:fs";
import wabtFactory from "wabt";
import { beforeAll, describe, expect, it } from "vitest";
import { child, exit, supervise, supervisor, wasmActor, wasmInstanceCount, type ReplyTo } from "@constellation/actors";
import { guardedWasmActor } from "@constellation/actors/node";
import { webAssembly } from "../../src/wasm/web-assembly.ts";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

/** Counts the bytes it gets and answers with the count; byte 0 traps, byte 1 loops, byte 2 takes much memory. */
const counter = (own: boolean): string => `(module
  (import "env" "reply" (func $reply (param i32 i32)))
  (import "env" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "ready")
  (global $dropped (mut i32) (i32.const 0))
  (func (export "init") ${own ? "" : "(param i32)"} (call $log (i32.const 16) (i32.const 5)))
  (func (export "drop") (param i32) (global.set $dropped (i32.add (global.get $dropped) (i32.const 1))))
  (func (export "alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "handle") ${own ? "" : "(param $actor i32)"} (param $ptr i32) (param $len i32)
    (local $cell i32) (local $first i32)
    (local.set $cell ${own ? "(i32.const 1024)" : "(i32.add (i32.const 1024) (i32.mul (local.get $actor) (i32.const 4)))"})
    (local.set $first (i32.load8_u (local.get $ptr)))
    (if (i32.eq (local.get $first) (i32.const 0)) (then unreachable))
    (if (i32.eq (local.get $first) (i32.const 1)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $first) (i32.const 2)) (then (drop (memory.grow (i32.const 10)))))
    (i32.store (local.get $cell) (i32.add (i32.load (local.get $cell)) (local.get $len)))
    (call $reply (local.get $cell) (i32.const 4))))`;

const imported = `(module
  (import "env" "memory" (memory 1))
  (import "env" "reply" (func $reply (param i32 i32)))
  (func (export "alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "handle") (param i32 i32)
    (i32.store (i32.const 0) (memory.grow (i32.const 10)))
    (call $reply (i32.const 0) (i32.const 4))))`;

let assemble: (text: string) => Uint8Array = () => new Uint8Array();
beforeAll(async () => {
  const wabt = await wabtFactory();
  assemble = (text) => wabt.parseWat("test.wat", text).toBinary({}).buffer;
});

type Bytes = { bytes: Uint8Array; replyTo: ReplyTo<Uint8Array> };
const bytes = (...values: number[]) => new Uint8Array(values);
const numberIn = (answer: Uint8Array): number => new DataView(answer.buffer, answer.byteOffset).getInt32(0, true);
const say =
  (values: number[]) =>
  (replyTo: ReplyTo<Uint8Array>): Bytes => ({ bytes: bytes(...values), replyTo });

checkLeaks();
describe("a WASM actor", () => {
  it("keeps its state in its own memory, and gives the instance back", async () => {
    const system = realSystem();
    const behavior = wasmActor(assemble(counter(true)), { kind: "counter" });
    const one = system.spawn(behavior);
    const two = system.spawn(behavior);
    one.send({ bytes: bytes(7, 7, 7) });
    expect(numberIn(await one.ask(say([9, 9])))).toBe(5);
    expect(numberIn(await two.ask(say([9])))).toBe(1);
    expect(system.lines).toContainEqual(["info", "counter: ready"]);
    expect(wasmInstanceCount()).toBe(2);
    await system.stop(one);
    system.kill(two);
    expect(wasmInstanceCount()).toBe(0);
  });

  it("that traps ends with an error, and its supervisor starts it afresh", async () => {
    const system = realSystem({ logReports: false });
    const start = wasmActor(assemble(counter(true)));
    const tree = await supervise(system, supervisor({ children: [child({ id: "w", name: "w", start })] }));
    const ref = system.named<Bytes>("w");
    expect(numberIn(await ref.ask(say([9, 9])))).toBe(2);
    const first = await tree.childRef("w");
    const ended = system.whenEnded(first as never);
    await expect(ref.ask(say([0]))).rejects.toMatchObject({ code: "dead" });
    expect(await ended).toMatchObject({ kind: "error", error: { name: "RuntimeError" } });
    expect(numberIn(await ref.ask(say([9])))).toBe(1);
    expect(wasmInstanceCount()).toBe(1);
  });

  it("cannot take more memory than it may", async () => {
    const system = realSystem({ logReports: false });
    const held = system.spawn(wasmActor(assemble(counter(true)), { memoryBytes: 5 * 65_536 }));
    expect(numberIn(await held.ask(say([2])))).toBe(1);
    const { Module } = webAssembly();
    const compiled = new Module(assemble(counter(true)));
    const greedy = system.spawn(wasmActor(compiled, { memoryBytes: 5 * 65_536 }));
    const ended = system.whenEnded(greedy);
    greedy.send({ bytes: bytes(2) });
    expect(await ended).toMatchObject({ error: { message: "WASM memory grew to 720896 bytes: the limit is 327680" } });
    const capped = system.spawn(wasmActor(assemble(imported), { memoryBytes: 5 * 65_536 }));
    expect(numberIn(await capped.ask(say([9])))).toBe(-1);
  });

  it("can share an instance with others, which a trap takes along", async () => {
    const system = realSystem({ logReports: false });
    const behavior = wasmActor(assemble(counter(false)), { instance: "shared" });
    const refs = Array.from({ length: 5 }, () => system.spawn(behavior));
    expect(wasmInstanceCount()).toBe(1);
    for (const [index, ref] of refs.entries()) {
      const values = Array.from({ length: index + 1 }, () => 9);
      expect(numberIn(await ref.ask(say(values)))).toBe(index + 1);
    }
    await system.stop(refs.at(4)!);
    const ended = refs.slice(0, 2).map((ref) => system.whenEnded(ref));
    refs[0]?.send({ bytes: bytes(0) });
    refs[1]?.send({ bytes: bytes(9) });
    expect(await ended[0]).toMatchObject({ error: { name: "RuntimeError" } });
    expect(await ended[1]).toMatchObject({ error: { message: expect.stringContaining("has trapped") as string } });
    const fresh = system.spawn(behavior);
    expect(numberIn(await fresh.ask(say([9])))).toBe(1);
    for (const ref of [refs.at(2)!, refs.at(3)!, fresh]) system.kill(ref);
    expect(wasmInstanceCount()).toBe(0);
  });

  it("is refused when there are too many, or the module does not fit", async () => {
    const system = realSystem({ logReports: false });
    const behavior = wasmActor(assemble(counter(true)), { instances: 1 });
    const one = system.spawn(behavior);
    const two = system.spawn(behavior);
    await expect(system.whenStarted(two)).rejects.toThrow("Cannot make one more WASM instance: 1 are alive");
    await system.whenStarted(one);
    const empty = assemble("(module)");
    expect(() => wasmActor(empty)).toThrow("does not export function alloc, function handle, memory memory");
    expect(() => wasmActor(assemble(counter(true)), { memoryBytes: 10 })).toThrow("wanted one page");
    expect(() => wasmActor(bytes(1, 2, 3))).toThrow();
  });
});

describe("a WASM actor in a thread of its own", () => {
  it("is ended when it loops, and started again by its supervisor", async () => {
    const system = realSystem({ logReports: false });
    const start = guardedWasmActor(assemble(counter(true)), { deadlineMs: 150 });
    const tree = await supervise(system, supervisor({ children: [child({ id: "w", name: "w", start })] }));
    const ref = system.named<Bytes>("w");
    expect(numberIn(await ref.ask(say([9, 9, 9])))).toBe(3);
    const first = await tree.childRef("w");
    const ended = system.whenEnded(first as never);
    ref.send({ bytes: bytes(1), replyTo: { send: () => {}, fail: () => {} } });
    expect(await ended).toMatchObject({ error: { name: "WasmDeadlineError" } });
    await tree.childRef("w");
    expect(numberIn(await ref.ask(say([9])))).toBe(1);
    const second = system.whenEnded((await tree.childRef("w")) as never);
    ref.send({ bytes: bytes(0), replyTo: { send: () => {}, fail: () => {} } });
    expect(await second).toMatchObject({ kind: "error", error: { code: "dead" } });
    await tree.stop();
    expect(await system.whenEnded(tree.ref)).toEqual(exit.noproc);
  });

  it("takes its thread along when it is killed", async () => {
    const system = realSystem({ logReports: false });
    const threads = (): number => readdirSync("/proc/self/task").length;
    const before = threads();
    const ref = system.spawn(guardedWasmActor(assemble(counter(true)), { deadlineMs: 5000 }));
    await system.whenStarted(ref);
    expect(threads()).toBeGreaterThan(before);
    system.kill(ref);
    while (threads() > before) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("fails to start when the module cannot", async () => {
    const system = realSystem({ logReports: false });
    const failing = `(module (memory (export "memory") 1) (func (export "init") unreachable)
      (func (export "alloc") (param i32) (result i32) (i32.const 0)) (func (export "handle") (param i32 i32)))`;
    const ref = system.spawn(guardedWasmActor(assemble(failing), { deadlineMs: 1000, kind: "failing" }));
    await expect(system.whenStarted(ref)).rejects.toThrow("did not start");
  });
});
