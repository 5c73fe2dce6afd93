import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leaseLineBytes, type LeaseRequest } from "@constellation/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DaemonLease } from "../../src/lease/daemon-lease.ts";
import { onLines } from "../../src/lease/lines.ts";

let folder: string;
let server: Server | undefined;
const sockets = new Set<Socket>();
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "guard-lease-"))));
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  rmSync(folder, { recursive: true });
});

const listen = (hear: (line: string, socket: Socket) => void): Promise<void> =>
  new Promise((resolve) => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      onLines(socket, leaseLineBytes, (line) => hear(line, socket));
    }).listen(join(folder, "sock"), resolve);
  });

function lease(environment: Record<string, string>, notes: string[] = []): DaemonLease {
  const launch = { program: "p", args: [], cwd: "/", environment };
  const guard = { pid: process.pid, startTicks: 1 };
  const request = { id: "i", guard, root: "/", stateDirectory: "/", sinceMs: 0, expectedBytes: null, ports: 0, launch };
  return new DaemonLease({ socketPath: join(folder, "sock"), request, note: (text) => void notes.push(text) });
}
const admitted = `${JSON.stringify({ kind: "admitted", ports: [], bounds: [] })}\n`;

describe("a run's lease", () => {
  it("is asked for without what the daemon could not read", async () => {
    const heard: LeaseRequest[] = [];
    await listen((line, socket) => {
      const call = JSON.parse(line) as LeaseRequest;
      if (call.kind === "lease") heard.push(call);
      socket.write(admitted);
    });
    const notes: string[] = [];
    const ours = lease({ LARGE: "x".repeat(leaseLineBytes) }, notes);
    expect(await ours.enter()).toBe("go");
    await ours.end();
    expect(heard.map(({ launch }) => launch)).toEqual([null]);
    expect(notes).toEqual([expect.stringMatching(/environment is too long/)]);
  });

  it("is waited for while a daemon is started anew", async () => {
    let connections = 0;
    await listen((line, socket) => {
      if ((JSON.parse(line) as LeaseRequest).kind !== "lease") return;
      connections += 1;
      if (connections === 1) socket.destroy();
      else socket.write(admitted);
    });
    const ours = lease({});
    expect(await ours.enter()).toBe("go");
    await ours.end();
    expect(connections).toBe(2);
  });

  it("is not waited for from a daemon that says nothing", async () => {
    await listen(() => undefined);
    const ours = lease({});
    expect(await ours.enter()).toBe("no-daemon");
    await ours.end();
  });
});
