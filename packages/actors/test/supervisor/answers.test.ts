import { expect, it } from "vitest";
import {
  actor,
  child,
  supervise,
  Supervisor,
  supervisor,
  type ActorRef,
  type Context,
  type SupervisorReport,
} from "@constellation/actors";
import { checkLeaks, closeManual, realSystem } from "../fixtures/quiet-system.ts";
import { plenty, stage } from "../fixtures/stage.ts";

checkLeaks();

it("what a child asks its supervisor while it is started is answered when all have started, in order", async () => {
  const { system, host, log, spec } = stage();
  const answers: unknown[] = [];
  const asking = actor({
    onStart(boss: ActorRef<never>) {
      const tree = new Supervisor(boss);
      void tree.startChild(spec("late")).then(({ kind }) => answers.push(kind));
      void tree.countChildren().then(({ active }) => answers.push(active));
    },
    receive: () => undefined,
  });
  const options = (_args: void, self: ActorRef<never>) => ({
    children: [child({ id: "asking", start: asking, args: self }), spec("b")],
  });
  await supervise(system, supervisor(options));
  await host.settle();
  expect(log).toEqual(["+b", "+late"]);
  expect(answers).toEqual(["started", 3]);
  await closeManual(system, host);
});

it("a supervisor that ends as soon as it has started has started", async () => {
  const system = realSystem({ logReports: false, logDeadLetters: false });
  const fragile = actor({
    onStart: (_args: void, context: Context<string>) => void context.self.send("crash"),
    receive: () => {
      throw new Error("crash");
    },
  });
  const intensity = { restarts: 0, periodMs: 1000 };
  const tree = await supervise(system, supervisor({ intensity, children: [child({ id: "f", start: fragile })] }));
  await expect(tree.countChildren()).rejects.toThrow("has ended");
});

it("restartChild answers with the new actor, and a start that fails is reported", async () => {
  const reports: SupervisorReport[] = [];
  const { system, host, spec } = stage(reports);
  const tree = await supervise(system, supervisor({ children: [spec("a")] }));
  const before = await tree.childRef("a");
  const terminated = tree.terminateChild("a");
  await host.settle();
  await terminated;
  const outcome = await tree.restartChild("a");
  expect(outcome).toEqual({ kind: "started", ref: await tree.childRef("a") });
  expect(outcome).not.toEqual({ kind: "started", ref: before });
  const failing = actor({
    onStart: () => {
      throw new Error("no");
    },
    receive: () => undefined,
  });
  expect((await tree.startChild(child({ id: "f", start: failing }))).kind).toBe("failed");
  expect(reports).toMatchObject([{ kind: "start-error", supervisor: tree.ref, child: "f", reason: { kind: "error" } }]);
  await closeManual(system, host);
});

it("whichChildren tells supervisors from workers", async () => {
  const { system, host, spec } = stage();
  const empty = supervisor({});
  const inner = child({ id: "inner", start: empty });
  const tree = await supervise(system, supervisor({ children: [spec("a"), inner] }));
  expect((await tree.whichChildren()).map(({ id, type }) => [id, type])).toEqual([
    ["a", "worker"],
    ["inner", "supervisor"],
  ]);
  await closeManual(system, host);
});

it("a dynamic supervisor ends only children of its own, and counts each of them once", async () => {
  const { system, host, worker } = stage();
  const kind = supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: worker } });
  const [mine, other] = [await supervise(system, kind), await supervise(system, kind)];
  const [a, b, theirs] = [await mine.startChild("a"), await mine.startChild("b"), await other.startChild("c")];
  if (a.kind !== "started" || b.kind !== "started" || theirs.kind !== "started") throw new Error("not started");
  const end = async (ref: typeof a.ref): Promise<string> => {
    const ended = mine.terminateChild(ref);
    await host.settle();
    return (await ended).kind;
  };
  const stranger = system.spawn(worker, { args: "stranger" });
  expect(await Promise.all([end(stranger), end(mine.ref as never)])).toEqual(["not_found", "not_found"]);
  expect(await end(a.ref)).toBe("ok");
  expect(await end(a.ref)).toBe("ok");
  expect(await mine.countChildren()).toMatchObject({ active: 1, workers: 1 });
  expect(await mine.whichChildren()).toMatchObject([{ state: { ref: b.ref } }]);
  expect(await end(theirs.ref)).toBe("not_found");
  expect(system.find(theirs.ref.id)).toBe(theirs.ref);
  await closeManual(system, host);
});
