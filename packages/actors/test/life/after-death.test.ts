import { expect, it } from "vitest";
import { actor, type Context } from "@constellation/actors";
import type { Extras } from "../../src/cell/cell.ts";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

it("a handler that goes on after its actor was killed leaves no timer, no monitor and no link behind", async () => {
  const { system, host } = manualSystem();
  const idle = actor({ kind: "idle", receive: () => undefined });
  const watched = system.spawn(idle);
  let goOn = (): void => {};
  let isOver = false;
  const ref = system.spawn(
    actor({
      async receive(_state, _message: string, context: Context<string>) {
        await new Promise<void>((resolve) => (goOn = resolve));
        expect(context.sendEvery(10, "beat").cancel()).toBe(false);
        context.sendAfter(10, "once");
        context.setReceiveTimeout(10);
        context.demonitor(context.monitor(watched));
        context.monitor(watched);
        context.link(watched);
        isOver = true;
      },
    }),
  );
  ref.send("work");
  await host.settle();
  system.kill(ref);
  goOn();
  await host.settle();
  expect(isOver).toBe(true);
  expect(system.alarms.size).toBe(0);
  const { extras } = watched as unknown as { extras: Extras | null };
  expect((extras?.watchers?.size ?? 0) + (extras?.links?.size ?? 0)).toBe(0);
  await closeManual(system, host);
});
