import { describe, expect, it } from "vitest";
import {
  actor,
  child,
  connect,
  exit,
  jsonCodec,
  loopback,
  remoteChild,
  supervise,
  supervisor,
} from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("a remote child", () => {
  it("ends in order with its actor, and takes it along", async () => {
    const { system: here, host } = manualSystem({ logReports: false });
    const { system: there } = manualSystem();
    const line = loopback(host, { codec: jsonCodec, delayMs: 5 });
    const worker = actor({
      kind: "worker",
      receive: (_state, message: "normal" | "crash", context) => {
        if (message === "crash") throw new Error("there");
        context.stop();
      },
    });
    const connection = connect(here, line.here);
    const back = connect(there, line.there, { spawnable: { worker } });
    const run = async (): Promise<void> => {
      for (let turn = 0; turn < 6; turn += 1) {
        await host.advance(5);
        await (there.host as typeof host).advance(5);
      }
    };
    const start = remoteChild<"normal" | "crash">({ connection: () => connection, behavior: "worker" });
    const starting = supervise(
      here,
      supervisor({
        children: [child({ id: "w", name: "w", start, restart: "transient" }), child({ id: "v", name: "v", start })],
      }),
    );
    for (let turn = 0; turn < 4; turn += 1) await run();
    const tree = await starting;
    expect(there.size).toBe(2);
    here.named<"normal" | "crash">("w").send("normal");
    await run();
    await run();
    expect((await tree.whichChildren()).map(({ state }) => state.kind)).toEqual(["stopped", "running"]);
    const stopping = tree.stop();
    await run();
    await run();
    await stopping;
    await run();
    expect(there.size).toBe(0);
    const lone = here.spawn(start);
    await run();
    await run();
    const ended = here.stop(lone, exit.normal);
    await run();
    expect(await ended).toEqual(exit.normal);
    await run();
    expect(there.size).toBe(0);
    connection.close();
    connection.close();
    await run();
    expect(back.isOpen).toBe(false);
    back.close();
    const cut = loopback(host, { delayMs: 5 });
    cut.cut(new Error("before it was open"));
    cut.here.send([]);
    cut.here.close();
    await host.advance(10);
  });

  it("takes its actor along when it is killed, also while that is being started", async () => {
    for (const killedAfterTurns of [4, 1]) {
      const { system: here, host } = manualSystem({ logReports: false });
      const { system: there } = manualSystem();
      const line = loopback(host, { delayMs: 5 });
      const connection = connect(here, line.here);
      connect(there, line.there, { spawnable: { worker: actor({ receive: () => undefined }) } });
      const run = async (): Promise<void> => {
        await host.advance(5);
        await (there.host as typeof host).advance(5);
      };
      const stub = here.spawn(remoteChild({ connection: () => connection, behavior: "worker" }));
      for (let turn = 0; turn < killedAfterTurns; turn += 1) await run();
      here.kill(stub);
      for (let turn = 0; turn < 6; turn += 1) await run();
      expect(there.counters.spawned).toBe(1);
      expect(there.size).toBe(0);
      connection.close();
      await run();
    }
  });
});

describe("a spawn elsewhere that takes longer than its time", () => {
  it("leaves no actor behind that nobody knows of", async () => {
    const { system: here, host } = manualSystem();
    const { system: there } = manualSystem();
    const line = loopback(host, { delayMs: 5 });
    let started = (): void => {};
    const slow = actor({
      onStart: () => new Promise<void>((resolve) => (started = resolve)),
      receive: () => undefined,
    });
    const connection = connect(here, line.here);
    connect(there, line.there, { spawnable: { slow } });
    const spawned = expect(connection.spawn("slow", undefined, { timeoutMs: 50 })).rejects.toThrow("no reply");
    await host.advance(60);
    await spawned;
    expect(there.size).toBe(1);
    started();
    for (let turn = 0; turn < 4; turn += 1) {
      await (there.host as typeof host).advance(5);
      await host.advance(5);
    }
    await (there.host as typeof host).settle();
    expect(there.size).toBe(0);
    connection.close();
    await host.advance(5);
  });
});
