import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { connect, exit, type Connection, type ReplyTo } from "@constellation/actors";
import { listenSocket } from "@constellation/actors/node";
import { Probe } from "@constellation/actors/testkit";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

interface Double {
  readonly value: number;
  readonly replyTo: ReplyTo<number>;
}

const program = fileURLToPath(new URL("../fixtures/socket-program.js", import.meta.url));

checkLeaks();
it("an actor in another process is watched over a Unix socket until its process is killed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "actors-process-"));
  const path = join(folder, "node.sock");
  const system = realSystem();
  const joined: ((connection: Connection) => void)[] = [];
  const arriving = new Promise<Connection>((resolve) => joined.push(resolve));
  const listener = await listenSocket(path, (transport) => joined[0]?.(connect(system, transport)));
  const child = spawn(process.execPath, [program, path], { stdio: "inherit" });
  const ended = once(child, "exit");
  const connection = await arriving;
  expect(await connection.ready).toBe("child");
  const doubler = await connection.spawn<Double>("doubler");
  expect(await doubler.ask<number>((replyTo) => ({ value: 21, replyTo }))).toBe(42);
  const probe = new Probe(system);
  probe.context.monitor(doubler);
  const lost = doubler.ask<number>((replyTo) => ({ value: 0, replyTo }));
  await expect(lost).rejects.toMatchObject({ code: "disconnected" });
  expect(await probe.expectSignal()).toMatchObject({ kind: "down", reason: exit.noconnection });
  expect(await ended).toEqual([null, "SIGKILL"]);
  await listener.close();
  rmSync(folder, { recursive: true });
});
