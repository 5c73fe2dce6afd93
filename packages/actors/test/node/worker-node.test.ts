import { describe, expect, it } from "vitest";
import { child, remoteChild, supervise, supervisor, type ActorRef, type ReplyTo } from "@constellation/actors";
import { serve, startWorker, type WorkerNode } from "@constellation/actors/node";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

type SquareMessage = "crash" | "exit" | { readonly value: number; readonly replyTo: ReplyTo<number> };

const program = new URL("../fixtures/worker-program.js", import.meta.url);
const ask = (ref: ActorRef<SquareMessage>, value: number): Promise<number> =>
  ref.ask<number>((replyTo) => ({ value, replyTo }));

checkLeaks();
describe("a worker thread", () => {
  it("runs actors that are spawned from here, with batches of messages", async () => {
    const system = realSystem();
    const node = await startWorker(system, program);
    expect(node.connection.peer).toBe("worker");
    const square = await node.connection.spawn<SquareMessage>("square", 1);
    expect(await ask(square, 7)).toBe(50);
    const counter = await node.connection.spawn<"one" | { replyTo: ReplyTo<number> }>("counter");
    for (let index = 0; index < 20_000; index += 1) expect(counter.send("one")).toBe("queued");
    expect(await counter.ask<number>((replyTo) => ({ replyTo }))).toBe(20_000);
    await node.terminate();
  });

  it("that shows another token is ended", async () => {
    const system = realSystem();
    const events: string[] = [];
    const started = startWorker(system, program, { token: "other" });
    await expect(started).rejects.toThrow(/another token|closed the connection/);
    expect(events).toEqual([]);
  });

  it("is not served outside of a worker thread", () => {
    if (process.env["VITEST_POOL_ID"] !== undefined) expect(() => serve({})).toThrow("this is no worker thread");
  });

  it("has its crashed actor restarted by a supervisor on this thread", async () => {
    const system = realSystem({ logReports: false });
    const node = await startWorker(system, program);
    const start = remoteChild<SquareMessage, number>({ connection: () => node.connection, behavior: "square" });
    const tree = await supervise(
      system,
      supervisor({ children: [child({ id: "square", start, args: 2, name: "square" })] }),
    );
    const ref = system.named<SquareMessage>("square");
    expect(await ask(ref, 3)).toBe(11);
    const first = await tree.childRef<SquareMessage>("square");
    ref.send("crash");
    expect(await system.whenEnded(first as ActorRef<SquareMessage>)).toMatchObject({ kind: "error" });
    await system.whenStarted((await tree.childRef("square")) as ActorRef<never>);
    expect(await ask(ref, 4)).toBe(18);
    await tree.stop();
    await node.terminate();
  });

  it("is replaced by its supervisor when the whole thread ends", async () => {
    const system = realSystem({ logReports: false });
    const nodes: WorkerNode[] = [];
    const start = remoteChild<SquareMessage, number>({
      connection: async () => {
        const node = await startWorker(system, program);
        nodes.push(node);
        return node.connection;
      },
      behavior: "square",
    });
    const tree = await supervise(
      system,
      supervisor({ children: [child({ id: "square", start, args: 0, name: "square" })] }),
    );
    const first = (await tree.childRef<SquareMessage>("square")) as ActorRef<SquareMessage>;
    first.send("exit");
    expect(await system.whenEnded(first)).toMatchObject({ kind: "error", error: { reason: { kind: "noconnection" } } });
    // The call waits behind the restart that is going on.
    const second = (await tree.childRef<SquareMessage>("square")) as ActorRef<SquareMessage>;
    expect(await ask(second, 5)).toBe(25);
    expect(nodes).toHaveLength(2);
    await tree.stop();
    for (const node of nodes) await node.terminate();
  });
});
