import { ConstellationError, defaultIsolation, noLimits, type Resources } from "@constellation/contract";
import { type Driver, newRunId, type ResolvedRun, type RunHandle, type StartRequest } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What a program of the suite does; every driver has its own way to write it. */
export type Behaviour =
  | { readonly does: "run-for-ever" }
  | { readonly does: "exit"; readonly code: number; readonly afterMs: number }
  | { readonly does: "die"; readonly signal: string }
  | { readonly does: "ignore-sigterm" }
  | { readonly does: "exit-on-sigterm"; readonly code: number }
  | { readonly does: "print"; readonly stdout: readonly string[]; readonly stderr: readonly string[] }
  | { readonly does: "exhaust-memory" }
  | { readonly does: "not-start" };

/** A driver under test and the world that outlives it. */
export interface Harness {
  driver(): Driver;
  /** Another driver on the same world, as after kill -9 of the daemon; the old one is let go of without a word. */
  reborn(): Promise<Driver>;
  run(behaviour: Behaviour): ResolvedRun;
  /** Variables by which the harness finds processes again. */
  readonly env: Readonly<Record<string, string>>;
  /** A program for `exec` that writes `text` and exits with `code`. */
  execArgv(text: string, code: number): readonly string[];
  /** Lets time pass until the promise is settled. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Makes a driver die within a start, where it can be told to; null where only real kills can do that. */
  readonly crash: ((point: "before-intent" | "before-launch" | "after-launch") => void) | null;
  /** Fails when a run has left anything. */
  checkNothingLeft(): Promise<void>;
  close(): Promise<void>;
}

let number = 0;

/** A start request with nothing asked for but what is given. */
export function requestFor(run: ResolvedRun, over: Partial<StartRequest> = {}): StartRequest {
  number += 1;
  return {
    runId: newRunId(Date.now(), Math.random()),
    app: "suite",
    index: number,
    revision: 1,
    restarts: 0,
    run,
    folder: null,
    resources: noLimits,
    isolation: defaultIsolation,
    env: { SUITE: "yes" },
    urls: {},
    mounts: [],
    ports: [],
    logs: { maxFileBytes: 1_000_000, maxFiles: 2, maxAgeMs: 86_400_000 },
    stop: { signal: "SIGTERM", graceMs: 5000 },
    ...over,
  };
}

/** Limits of a request: none but the given. */
export const limits = (given: Partial<Resources>): Resources => ({ ...noLimits, ...given });

/** What every driver must do, whatever it runs. */
export function driverConformance(
  name: string,
  open: () => Promise<Harness>,
  { limits: canLimit = true }: { readonly limits?: boolean } = {},
): void {
  describe(`driver ${name}`, () => {
    let harness: Harness;
    const signal = new AbortController().signal;
    beforeAll(async () => void (harness = await open()));
    afterAll(async () => {
      await harness.checkNothingLeft();
      await harness.close();
    });

    async function started(behaviour: Behaviour, over: Partial<StartRequest> = {}): Promise<RunHandle> {
      const request = requestFor(harness.run(behaviour), { env: { SUITE: "yes", ...harness.env }, ...over });
      return await harness.settle(harness.driver().start(request, { signal }));
    }
    /** A program that handles signals says "ready" when it does. */
    async function ready(behaviour: Behaviour): Promise<RunHandle> {
      const handle = await started(behaviour);
      const abort = new AbortController();
      await harness.settle(
        (async () => {
          for await (const { text } of handle.logs({ from: "beginning", signal: abort.signal }))
            if (text === "ready") return;
        })(),
      );
      return handle;
    }
    async function over(handle: RunHandle): Promise<void> {
      await harness.settle(handle.wait());
      handle.detach();
      await harness.driver().release(handle.facts.runId);
    }

    test("says what the machine offers for it", async () => {
      const features = await harness.driver().probe();
      expect(features.length).toBeGreaterThan(0);
    });

    test("runs a program to its end and reports its code", async () => {
      const handle = await started({ does: "exit", code: 3, afterMs: 50 });
      expect(handle.facts.pid).toBeGreaterThan(1);
      const exit = await harness.settle(handle.wait());
      expect(exit).toMatchObject({ kind: "error", code: 3, signal: null, reason: "exited with code 3" });
      expect(exit.at).toBeGreaterThanOrEqual(handle.facts.startedAt);
      expect(await handle.wait()).toEqual(exit);
      expect(handle.stats()).toBeNull();
      await over(handle);
    });

    test("code 0 is a completion", async () => {
      const handle = await started({ does: "exit", code: 0, afterMs: 0 });
      expect(await harness.settle(handle.wait())).toMatchObject({ kind: "completed", code: 0 });
      await over(handle);
    });

    test("names the signal that ended a program", async () => {
      const handle = await started({ does: "die", signal: "SIGSEGV" });
      expect(await harness.settle(handle.wait())).toMatchObject({ kind: "signal", code: null, signal: "SIGSEGV" });
      await over(handle);
    });

    test("a stop within the grace is a stop, by signal or by the program's own exit", async () => {
      const plain = await started({ does: "run-for-ever" });
      expect(await harness.settle(plain.stop("SIGTERM", 5000))).toMatchObject({ kind: "stopped", signal: "SIGTERM" });
      await over(plain);
      const polite = await ready({ does: "exit-on-sigterm", code: 4 });
      expect(await harness.settle(polite.stop("SIGTERM", 5000))).toMatchObject({ kind: "stopped", code: 4 });
      await over(polite);
    });

    test("a stubborn program is ended when its grace is over, and a second stop shortens the grace", async () => {
      const handle = await ready({ does: "ignore-sigterm" });
      expect(await harness.settle(handle.stop("SIGTERM", 200))).toMatchObject({ kind: "killed", signal: "SIGKILL" });
      await over(handle);
      const hurried = await ready({ does: "ignore-sigterm" });
      void hurried.stop("SIGTERM", 3_600_000);
      expect(await harness.settle(hurried.stop("SIGTERM", 100))).toMatchObject({ kind: "killed" });
      await over(hurried);
    });

    test("kill ends it at once, and again does nothing", async () => {
      const handle = await ready({ does: "ignore-sigterm" });
      expect(await harness.settle(handle.kill())).toMatchObject({ kind: "killed" });
      expect(await handle.kill()).toMatchObject({ kind: "killed" });
      await over(handle);
    });

    test.runIf(canLimit)("memory beyond the limit ends it as oom, in words with the limit", async () => {
      const handle = await started(
        { does: "exhaust-memory" },
        { resources: limits({ memoryBytes: 50_000_000, bestEffort: true }) },
      );
      const exit = await harness.settle(handle.wait());
      expect(exit).toMatchObject({ kind: "oom", signal: "SIGKILL" });
      expect(exit.reason).toContain("its memory limit of 50 MB");
      expect(exit.peakMemoryBytes).toBeGreaterThan(30_000_000);
      await over(handle);
    });

    test("a program that cannot start is refused and leaves nothing", async () => {
      const request = requestFor(harness.run({ does: "not-start" }));
      const error: unknown = await harness.settle(harness.driver().start(request, { signal })).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(ConstellationError);
      const code = expect.stringMatching(/^(instance.start-failed|program.unrunnable)$/) as string;
      expect(error).toMatchObject({ code });
      expect((error as Error).message).toContain(`${request.app}.${request.index}`);
      expect(await harness.driver().recover(request.runId, { signal })).toEqual({ status: "never-started" });
      expect((await harness.driver().list()).map(({ runId }) => runId)).not.toContain(request.runId);
    });

    test("a start that was cancelled leaves nothing", async () => {
      const abort = new AbortController();
      const request = requestFor(harness.run({ does: "run-for-ever" }));
      abort.abort();
      await expect(harness.settle(harness.driver().start(request, { signal: abort.signal }))).rejects.toMatchObject({
        code: "call.cancelled",
      });
      expect((await harness.driver().list()).map(({ runId }) => runId)).not.toContain(request.runId);
    });

    test("shows processes and counters while it runs", async () => {
      const handle = await started({ does: "run-for-ever" });
      const { processes } = await handle.inspect();
      expect(processes.map(({ pid }) => pid)).toContain(handle.facts.pid);
      const memoryBytes = (): number | undefined => handle.stats()?.memoryBytes;
      if (canLimit) expect(memoryBytes()).toBeGreaterThan(0);
      // Of a process alone the kernel counts the first pages on each processor apart, and adds them up later.
      else await expect.poll(memoryBytes).toBeGreaterThan(0);
      expect(handle.stats()?.processes).toBeGreaterThanOrEqual(1);
      expect(await handle.plan()).not.toBe("");
      expect(handle.facts.measures.length).toBeGreaterThan(0);
      expect(handle.facts.environment).toMatchObject({ SUITE: "yes" });
      await harness.settle(handle.kill());
      await over(handle);
    });

    test("keeps every line of both streams in order, and follows", async () => {
      const stdout = Array.from({ length: 50 }, (_, at) => `line ${at}`);
      const handle = await started({ does: "print", stdout, stderr: ["a warning"] });
      const lines: { stream: string; text: string }[] = [];
      await harness.settle(
        (async () => {
          for await (const line of handle.logs({ from: "beginning", signal })) lines.push(line);
        })(),
      );
      expect(lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text)).toEqual(stdout);
      expect(lines.filter(({ stream }) => stream === "stderr").map(({ text }) => text)).toEqual(["a warning"]);
      await over(handle);
    });

    test("a follower that is not wanted any more ends", async () => {
      const handle = await started({ does: "run-for-ever" });
      const abort = new AbortController();
      const reading = (async () => {
        for await (const line of handle.logs({ from: "now", signal: abort.signal })) void line;
      })();
      abort.abort();
      await harness.settle(reading);
      await harness.settle(handle.kill());
      await over(handle);
    });

    test("runs another program inside", async () => {
      const handle = await started({ does: "run-for-ever" });
      const argv = harness.execArgv("hello from inside", 5);
      const session = await harness.settle(handle.exec({ argv, tty: false, columns: 80, rows: 24 }, { signal }));
      session.endInput();
      let text = "";
      await harness.settle(
        (async () => {
          for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
        })(),
      );
      expect(text).toContain("hello from inside");
      expect(await harness.settle(session.exit)).toEqual({ code: 5, signal: null });
      await session.close();
      await harness.settle(handle.kill());
      await over(handle);
      await expect(handle.exec({ argv, tty: false, columns: 80, rows: 24 }, { signal })).rejects.toMatchObject({
        code: "instance.not-running",
      });
    });

    test("a run cannot be released while it runs; releasing twice does nothing", async () => {
      const handle = await started({ does: "run-for-ever" });
      await expect(harness.driver().release(handle.facts.runId)).rejects.toMatchObject({ code: "state.conflict" });
      await harness.settle(handle.kill());
      await over(handle);
      await harness.driver().release(handle.facts.runId);
    });

    test("the next daemon has the same run: pid, start, notes, and its end", async () => {
      const handle = await ready({ does: "exit-on-sigterm", code: 6 });
      await handle.remember({ startupPassed: true, ready: true });
      const { runId, pid, startedAt } = handle.facts;
      const next = await harness.reborn();
      expect((await next.list()).map((found) => found.runId)).toContain(runId);
      const recovery = await harness.settle(next.recover(runId, { signal }));
      if (recovery.status !== "running") throw new Error(`recovered as ${recovery.status}, wanted running`);
      expect(recovery.handle.facts).toMatchObject({ pid, startedAt, environment: { SUITE: "yes" } });
      expect(recovery.notes).toEqual({ startupPassed: true, ready: true });
      expect(recovery.request.runId).toBe(runId);
      expect(await harness.settle(recovery.handle.stop("SIGTERM", 5000))).toMatchObject({ kind: "stopped", code: 6 });
      await over(recovery.handle);
    });

    test("the next daemon has the exit of a run that ended meanwhile, until it is released", async () => {
      const handle = await started({ does: "exit", code: 9, afterMs: 20 });
      const { runId } = handle.facts;
      await harness.settle(handle.wait());
      const next = await harness.reborn();
      for (let time = 0; time < 2; time += 1) {
        const recovery = await harness.settle(next.recover(runId, { signal }));
        if (recovery.status !== "ended") throw new Error(`recovered as ${recovery.status}, wanted ended`);
        expect(recovery.exit).toMatchObject({ kind: "error", code: 9 });
      }
      await next.release(runId);
      expect(await next.recover(runId, { signal })).toEqual({ status: "never-started" });
    });

    test("a stop that the old daemon began is finished by the next", async () => {
      const handle = await ready({ does: "ignore-sigterm" });
      void handle.stop("SIGTERM", 500);
      const next = await harness.reborn();
      const recovery = await harness.settle(next.recover(handle.facts.runId, { signal }));
      if (recovery.status !== "running") throw new Error(`recovered as ${recovery.status}, wanted running`);
      expect(await harness.settle(recovery.handle.wait())).toMatchObject({ kind: "killed" });
      await over(recovery.handle);
    });

    test("a run that nobody ever began is never-started", async () => {
      expect(await harness.driver().recover(newRunId(Date.now(), 0.5), { signal })).toEqual({
        status: "never-started",
      });
    });

    test("a daemon that dies within a start leaves a run or nothing, never a riddle", async () => {
      if (harness.crash === null) return;
      for (const point of ["before-intent", "before-launch", "after-launch"] as const) {
        harness.crash(point);
        const request = requestFor(harness.run({ does: "run-for-ever" }));
        void harness.driver().start(request, { signal });
        await harness.settle(Promise.resolve());
        const next = await harness.reborn();
        const found = (await next.list()).map(({ runId }) => runId).includes(request.runId);
        expect(found).toBe(point !== "before-intent");
        const recovery = await harness.settle(next.recover(request.runId, { signal }));
        expect(recovery.status).toBe(point === "after-launch" ? "running" : "never-started");
        if (recovery.status === "running") await harness.settle(recovery.handle.kill());
        await next.release(request.runId);
      }
    });
  });
}
