import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Exit, parseApp } from "@constellation/contract";
import { instanceName, newRunId, type ProcessDriver, type StartRequest, WorkerDriver } from "@constellation/instances";
import { expect, vi } from "vitest";
import { requestFor } from "../driver/conformance.ts";
import { Playground } from "../process/playground.ts";
import { end, line } from "../process/runs.ts";
import type { EqualityCase } from "./equality-cases.ts";

const { signal } = new AbortController();
const spareTimeoutMs = 60_000;

/** What a run showed of itself. */
export interface Seen {
  readonly start: string;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  readonly exit: Pick<Exit, "kind" | "code" | "signal" | "reason">;
}

/** A worker driver with folders of its own, and what scripts show when it starts them one way or the other. */
export class BothWays {
  readonly playground: Playground;
  driver: WorkerDriver;
  readonly troubles: string[] = [];
  #count = 0;

  private constructor(playground: Playground, processes: ProcessDriver) {
    this.playground = playground;
    this.driver = this.#driverOn(processes);
  }

  /** As the next daemon would. */
  async reopen(): Promise<void> {
    await this.driver.close();
    this.driver = this.#driverOn(await this.playground.open());
  }

  #driverOn(processes: ProcessDriver): WorkerDriver {
    return new WorkerDriver(processes, {
      spares: 2,
      report: (text, error) => this.troubles.push(`${text}: ${String(error)}`),
    });
  }

  static async open(): Promise<BothWays> {
    const playground = new Playground();
    return new BothWays(playground, await playground.open());
  }

  /** The same instance, started warm and then cold. */
  async see(given: EqualityCase): Promise<{ readonly warm: Seen; readonly cold: Seen }> {
    const request = this.request(given);
    await this.spareFor(request);
    const warm = await this.#run(request, given.signal);
    const cold = await this.#run({ ...request, runId: newRunId(Date.now(), Math.random()), warm: false }, given.signal);
    return { warm, cold };
  }

  request({ script, spec = {}, args = [], files = {}, format = "module" }: EqualityCase): StartRequest {
    const folder = join(this.playground.root, `app-${(this.#count += 1)}`);
    mkdirSync(folder, { mode: 0o755 });
    const name = format === "module" ? "main.mjs" : "main.cjs";
    const file = join(folder, name);
    writeFileSync(file, script, { mode: 0o644 });
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text, { mode: 0o644 });
    const app = parseApp({ name: "x", script: name, folder, ...spec });
    const { resources, isolation, env, mounts, logs, stop } = app;
    return requestFor({ kind: "script", file, args }, { resources, isolation, mounts, logs, stop, folder, env });
  }

  /** Resolves when a Node waits for this request; asks for one by showing that it is wanted. */
  async spareFor(request: StartRequest): Promise<void> {
    if (!this.driver.waitsFor(request)) {
      // The first start of a shape is cold, and makes it known.
      const first = { ...request, index: request.index + 100_000, runId: newRunId(Date.now(), Math.random()) };
      const handle = await this.driver.start(first, { signal });
      await end(this.driver, handle);
    }
    await vi.waitFor(() => expect(this.driver.waitsFor(request)).toBe(true), {
      timeout: spareTimeoutMs,
      interval: 10,
    });
  }

  async close(): Promise<void> {
    await this.driver.close();
    expect(await this.playground.leftovers()).toEqual([]);
    await this.playground.close();
  }

  async #run(request: StartRequest, send: string | undefined): Promise<Seen> {
    const handle = await this.driver.start(request, { signal });
    const lines: { stream: string; text: string }[] = [];
    const reading = (async () => {
      for await (const each of handle.logs({ from: "beginning", signal })) lines.push(each);
    })();
    if (send !== undefined) {
      await line(handle, /^ready$/);
      // Written by the kernel's hand, as `kill` would: a stop would be worded as one.
      process.kill(handle.facts.pid, send);
    }
    await reading;
    const { kind, code, signal: ended, reason } = await handle.wait();
    handle.detach();
    await this.driver.release(handle.facts.runId);
    const of = (stream: string): string[] =>
      lines
        .filter((each) => each.stream === stream)
        .map(({ text }) => text.replaceAll(instanceName(request), "NAME").replaceAll(/0x[0-9a-f]{6,}/g, "ADDRESS"));
    return {
      start: handle.facts.start,
      stdout: of("stdout"),
      stderr: of("stderr"),
      exit: { kind, code, signal: ended, reason },
    };
  }
}
