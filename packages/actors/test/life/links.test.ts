import { describe, expect, it } from "vitest";
import { actor, exit, type Context } from "@constellation/actors";
import { Probe, shutdownWithoutLeaks } from "@constellation/actors/testkit";
import { manualSystem } from "../fixtures/quiet-system.ts";

const idle = actor({ kind: "idle", receive: () => undefined });

async function settleShutdown(
  system: Parameters<typeof shutdownWithoutLeaks>[0],
  host: { advance(ms: number): Promise<void> },
): Promise<void> {
  const done = shutdownWithoutLeaks(system);
  await host.advance(10);
  await done;
}

describe("links", () => {
  it("end both when one crashes, and neither when one ends normally", async () => {
    const { system, host } = manualSystem();
    const crasher = actor({
      receive: (_state, message: "crash" | "stop", context: Context<"crash" | "stop">) => {
        if (message === "crash") throw new Error("crash");
        context.stop();
      },
    });
    for (const [message, lives] of [
      ["crash", 0],
      ["stop", 1],
    ] as const) {
      const one = system.spawn(crasher);
      const two = system.spawn(
        actor({ onStart: (_args: void, context) => context.link(one), receive: () => undefined }),
      );
      one.send(message);
      await host.settle();
      expect(system.find(two.id) === undefined ? 0 : 1, message).toBe(lives);
      system.kill(two);
    }
  });

  it("deliver exits to who traps them, the normal ones too, and from the dead at once", async () => {
    const { system } = manualSystem();
    const probe = new Probe<never>(system);
    const other = system.spawn(idle);
    probe.context.link(probe.ref);
    probe.context.link(other);
    probe.context.link(other);
    probe.context.exit(other, exit.normal);
    const advance = new Promise((resolve) => setImmediate(resolve));
    await advance;
    const { host } = system;
    await (host as ReturnType<typeof manualSystem>["host"]).settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.normal });
    probe.context.link(other);
    await (host as ReturnType<typeof manualSystem>["host"]).settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.noproc });
  });

  it("can be taken back, and made at spawn", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<never>(system);
    const child = probe.context.spawn(idle, { link: true });
    probe.context.unlink(child);
    system.kill(child);
    await host.settle();
    const linked = probe.context.spawn(idle, { link: true });
    system.kill(linked);
    await host.settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.killed });
    const alone = system.spawn(idle, { link: true });
    system.kill(alone);
    await host.settle();
    expect(system.find(probe.ref.id)).toBeDefined();
    await settleShutdown(system, host);
  });
});

describe("a link or monitor to somebody who is nowhere", () => {
  it("is an exit with noproc at once, and nothing to take back", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    const nobody = system.named("nobody");
    probe.context.unlink(nobody);
    probe.context.link(nobody);
    expect(await settled(host, probe.expectSignal())).toMatchObject({ kind: "exit", reason: exit.noproc });
    const monitor = probe.context.monitor(nobody);
    expect(await settled(host, probe.expectSignal())).toMatchObject({ kind: "down", reason: exit.noproc });
    probe.context.demonitor(monitor);
    probe.context.link(probe.ref);
    await settleShutdown(system, host);
  });
});

async function settled<Value>(host: { settle(): Promise<void> }, value: Promise<Value>): Promise<Value> {
  await host.settle();
  return value;
}
