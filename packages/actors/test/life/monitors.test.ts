import { describe, expect, it } from "vitest";
import { actor, exit, type ExitReason } from "@constellation/actors";
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

describe("monitors", () => {
  it("fire once with the reason, at once for the dead, and not when taken back", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<never>(system);
    const one = system.spawn(idle);
    const monitor = probe.context.monitor(one);
    probe.context.demonitor(probe.context.monitor(one));
    void system.stop(one, exit.shutdownWith("done"));
    await host.settle();
    expect(await probe.expectSignal()).toEqual({ kind: "down", monitor, ref: one, reason: exit.shutdownWith("done") });
    probe.context.demonitor(monitor);
    probe.context.monitor(one);
    await host.settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "down", reason: exit.noproc });
    const reasons: ExitReason[] = [];
    const two = system.spawn(idle);
    const unwatch = system.watch(two, (reason) => reasons.push(reason));
    unwatch();
    unwatch();
    system.watch(two, (reason) => reasons.push(reason));
    system.kill(two);
    expect(reasons).toEqual([exit.killed]);
    expect(await system.whenEnded(two)).toEqual(exit.noproc);
    const gone = system.named("nobody");
    expect(await system.whenEnded(gone)).toEqual(exit.noproc);
    probe.context.monitor(system.spawn(idle));
    system.kill(probe.ref);
    await settleShutdown(system, host);
  });
});
