import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { WaitingPort } from "../../src/ports/index.ts";
import { startProgram, wordsOf } from "../../src/ports/spawn.ts";
import { fixture, isRunning, openPort, runShared } from "./running.ts";
import { fetchText } from "./talking.ts";

const open: WaitingPort[] = [];
const seen = new Set<number>();

afterEach(async () => {
  for (const waiting of open.splice(0)) {
    const { pid } = waiting;
    await waiting.close();
    if (pid !== null) expect(isRunning(pid)).toBe(false);
  }
});

/** With a process that waits, whose pid it resolves to. */
async function waitingPort(): Promise<{ waiting: WaitingPort; pid: number }> {
  const waiting = new WaitingPort();
  open.push(waiting);
  return { waiting, pid: await pidOf(waiting) };
}

/** Whoever inherits an orphan may be slow to bury it. */
function hasEnded(pid: number): boolean {
  return !isRunning(pid) || / Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
}

function pidOf(waiting: WaitingPort): Promise<number> {
  return vi.waitFor(() => {
    if (waiting.pid === null || seen.has(waiting.pid)) throw new Error("none waits yet");
    seen.add(waiting.pid);
    return waiting.pid;
  });
}

describe("a port process that waits", () => {
  it("opens the next port, and another one waits then", async () => {
    const { waiting, pid } = await waitingPort();
    const port = await openPort({}, waiting);
    expect(port.pid).toBe(pid);
    const words = wordsOf({ folder: port.folder, address: "127.0.0.1", port: 0, sharing: "shared" });
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain(`port\0${words.join("\0")}\0`);
    expect(await port.stats()).toMatchObject({ sharing: "shared", pid, port: port.port });
    await runShared(port, ["node", fixture("http-server.cjs")]).line();
    expect(Number(await fetchText(port.port))).toBeGreaterThan(1);
    const next = await pidOf(waiting);
    expect((await openPort({ sharing: "forwarded" }, waiting)).pid).toBe(next);
  });

  it("outlives whoever told it its port", async () => {
    const { waiting, pid } = await waitingPort();
    const port = await openPort({}, waiting);
    await waiting.close();
    expect(isRunning(pid)).toBe(true);
    expect((await port.stats()).pid).toBe(pid);
  });

  it("says what is wrong with a port as any other does, and is gone then", async () => {
    const { waiting, pid } = await waitingPort();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await expect(openPort({ port }, waiting)).rejects.toMatchObject({ code: "port.in-use" });
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false));
    server.close();
    await once(server, "close");
  });

  it("is not needed: where it was killed, or all at once ask, ports are opened without it", async () => {
    const { waiting, pid } = await waitingPort();
    process.kill(pid, "SIGKILL");
    const ports = await Promise.all([openPort({}, waiting), openPort({}, waiting), openPort({}, waiting)]);
    for (const port of ports) expect((await port.stats()).pid).toBe(port.pid);
    expect(new Set([pid, ...ports.map((port) => port.pid)]).size).toBe(4);
  });

  it("ends with the process that it waits for, killed or not", async () => {
    const module = new URL("../../dist/ports/index.js", import.meta.url);
    const program = `import { WaitingPort } from ${JSON.stringify(module.href)};
      const waiting = new WaitingPort();
      setInterval(() => waiting.pid === null || console.log(waiting.pid), 20);`;
    const owner = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(owner.stdout, "data")) as [Buffer];
    const pid = Number.parseInt(line.toString(), 10);
    expect(isRunning(pid)).toBe(true);
    owner.kill("SIGKILL");
    await once(owner, "exit");
    await vi.waitFor(() => expect(hasEnded(pid)).toBe(true));
  });

  it("keeps nobody running", async () => {
    const module = new URL("../../dist/ports/index.js", import.meta.url);
    const program = `import { WaitingPort } from ${JSON.stringify(module.href)};
      const waiting = new WaitingPort();
      const look = setInterval(() => { if (waiting.pid !== null) { console.log(waiting.pid); clearInterval(look); } }, 20);`;
    const owner = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(owner.stdout, "data")) as [Buffer];
    await once(owner, "exit");
    await vi.waitFor(() => expect(hasEnded(Number.parseInt(line.toString(), 10))).toBe(true));
  });

  it("is passed over where no descriptor is left, and the port that was wanted says so", async () => {
    const module = new URL("../../dist/ports/index.js", import.meta.url);
    const program = `import { openSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      import { PortProcess, WaitingPort } from ${JSON.stringify(module.href)};
      const waiting = new WaitingPort();
      console.log("ready");
      try { for (;;) openSync("/dev/null"); } catch {}
      await sleep(400);
      const wanted = { folder: "/tmp", address: "127.0.0.1", port: 0, sharing: "shared" };
      await PortProcess.start(wanted, { waiting }).catch(({ code }) => console.log(waiting.pid, code));`;
    const limited = ["-c", 'ulimit -n 512; exec "$@"', "sh", process.execPath, "--input-type=module", "-e", program];
    const owner = spawn("sh", limited, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    owner.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(owner, "close")).toEqual([0, null]);
    expect(said).toBe("ready\nnull instance.start-failed\n");
  });

  it("does nothing with words that are cut off, too many or nonsense", async () => {
    const whole = `${wordsOf({ folder: "/nowhere", address: "127.0.0.1", port: 0, sharing: "shared" }).join("\0")}\0\0`;
    const words = fc.oneof(
      fc.nat(whole.length - 1).map((length) => Buffer.from(whole.slice(0, length))),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.array(fc.string({ maxLength: 9 }), { maxLength: 300 }).map((list) => Buffer.from(`${list.join("\0")}\0\0`)),
      fc.constant(Buffer.alloc(9000, "x")),
    );
    await fc.assert(
      fc.asyncProperty(words, async (bytes) => {
        const child = startProgram(["wait", " "], "pipe");
        const ended = once(child, "exit");
        let said = "";
        child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
        child.stdin?.on("error", () => undefined);
        child.stdin?.end(bytes);
        const [code, signal] = (await ended) as [number | null, string | null];
        expect(signal).toBeNull();
        expect(said === "" ? 0 : 1).toBe(code);
        expect(said).toMatch(/^(error \S+ \d+\n)?$/);
      }),
      { numRuns: 60 },
    );
  });
});
