import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifyProcess } from "@constellation/host";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limitsHere } from "../../../instances/test/limits-here.ts";
import { findRunGroup, openRunGroup } from "../../src/run/guest.ts";
import { hold, openStateDirectory, readHolder, release, takeOver } from "../../src/run/state-directory.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "guard-state-"))));
afterEach(() => rmSync(root, { recursive: true }));

/** Somebody who is alive and not us. */
const other = () => ({ guard: identifyProcess(process.ppid), run: "theirs" });

describe("the place of a run", () => {
  it("goes to one of two that start together", async () => {
    const state = openStateDirectory(join(root, "state"));
    await takeOver(state, "first");
    expect(readHolder(state.path)?.run).toBe("first");
    // As if it had looked before the first one wrote.
    expect(() => hold(state, { run: "second" }, "wx")).toThrow(`pid ${process.pid} guards a run of this project`);
    expect(readHolder(state.path)?.run).toBe("first");
    release(state);
    expect(readdirSync(state.path)).toEqual([".gitignore"]);
  });

  it.runIf(process.platform === "linux")(
    "is read from a file, and not waited for in a FIFO that somebody put there",
    () => {
      const fifo = join(root, "holder.json");
      execFileSync("mkfifo", [fifo]);
      // Whoever waits in it is let go after a while.
      const savior = spawn("sh", ["-c", 'sleep 3; : > "$0"', fifo], { stdio: "ignore" });
      const begun = performance.now();
      expect(readHolder(root)).toBe(undefined);
      expect(performance.now() - begun).toBeLessThan(2000);
      savior.kill();
    },
  );

  it("is refused while its guard lives", async () => {
    const state = openStateDirectory(join(root, "state"));
    writeFileSync(join(state.path, "holder.json"), JSON.stringify(other()));
    await expect(takeOver(state, "ours")).rejects.toThrow(/guards a run of this project/);
    expect(readHolder(state.path)?.run).toBe("theirs");
  });

  it("is taken over from a guard that died, also from one whose pid somebody else has now", async () => {
    const state = openStateDirectory(join(root, "state"));
    const { guard } = other();
    const dead = { guard: { ...guard, startTicks: 1 }, run: "theirs" };
    writeFileSync(join(state.path, "holder.json"), JSON.stringify(dead));
    expect(await takeOver(state, "ours")).toBe(0);
    expect(readHolder(state.path)?.run).toBe("ours");
  });

  it("is taken by one of two that found the same dead guard, and nobody throws the other out", async () => {
    const state = openStateDirectory(join(root, "state"));
    writeFileSync(
      join(state.path, "holder.json"),
      JSON.stringify({ guard: { pid: 2 ** 22, startTicks: 1 }, run: "dead" }),
    );
    // The other one takes over while this one looks for what the dead one left.
    const ours = takeOver(state, "ours");
    writeFileSync(join(state.path, "holder.json"), JSON.stringify(other()));
    await ours;
    expect(readHolder(state.path)?.run).toBe("theirs");
  });

  it("is free where a power cut left an empty note", async () => {
    const state = openStateDirectory(join(root, "state"));
    writeFileSync(join(state.path, "holder.json"), "");
    await takeOver(state, "ours");
    expect(readHolder(state.path)?.run).toBe("ours");
  });

  it("is cleaned up after a guard that died while it took over", async () => {
    const state = openStateDirectory(join(root, "state"));
    const left = spawn("sleep", ["1000"], { env: { ...process.env, CONSTELLATION_RUN: "dead" }, stdio: "ignore" });
    const dead = { guard: { pid: 2 ** 22, startTicks: 1 }, run: "dead" };
    writeFileSync(join(state.path, `holder.json.${randomUUID()}`), JSON.stringify(dead));
    const ended = new Promise((resolve) => left.once("exit", (_, signal) => resolve(signal)));
    expect(await takeOver(state, "ours")).toBe(1);
    expect(await ended).toBe("SIGKILL");
    release(state);
    expect(readdirSync(state.path)).toEqual([".gitignore"]);
  });

  it.runIf(limitsHere)("is cleaned up after a guard that died before it had noted its control group", async () => {
    const state = openStateDirectory(join(root, "state"));
    const run = randomUUID();
    expect(openRunGroup(run).kind).toBe("grouped");
    const dead = { guard: { pid: 2 ** 22, startTicks: 1 }, run };
    writeFileSync(join(state.path, "holder.json"), JSON.stringify(dead));
    await takeOver(state, "ours");
    expect(findRunGroup(run)).toBe(undefined);
  });

  it("that cannot be written is named with what to do", () => {
    writeFileSync(join(root, "file"), "");
    expect(() => openStateDirectory(join(root, "file/state"))).toThrow(/Cannot keep a checkpoint in .*ENOTDIR/);
  });
});
