import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";

// The examples as a reader runs them: their programs, each in a folder of its own.
const examples = fileURLToPath(new URL("../../../../examples", import.meta.url));
const run = promisify(execFile);
const conditions = ["constellation-source"];
let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "examples-"))));
afterAll(() => rmSync(folder, { recursive: true }));

async function programOf(example: string): Promise<string> {
  const outfile = join(folder, `${example}.mjs`);
  const entry = join(examples, example, "main.ts");
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", conditions });
  return outfile;
}

it("the chat room goes on after a crash", async () => {
  const { stdout } = await run(process.execPath, [await programOf("chat-room")], { cwd: folder });
  expect(stdout).toContain("bob hears in kitchen: ann: still here?");
  expect(stdout).toMatch(/room kitchen .*restarts 1/);
});

it("the bank books a transfer once, over a crash and over a second run", async () => {
  const program = await programOf("bank");
  const first = await run(process.execPath, [program], { cwd: folder });
  expect(first.stdout).toMatch(/by the same number: \{ kind: 'booked', balanceCents: 7500 \}\nann 7500\nbob 2500\n$/);
  const second = await run(process.execPath, [program], { cwd: folder });
  expect(second.stdout).toMatch(/ann 15000\nbob 5000\n$/);
});

it("the echo server answers, and ends when it is told to", async () => {
  const server = spawn(process.execPath, [await programOf("echo-server")], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    const [said] = (await once(server.stdout, "data")) as [Buffer];
    const socket = connect(Number(/127\.0\.0\.1:(\d+)/.exec(String(said))?.[1]), "127.0.0.1");
    socket.write("hello\n");
    expect(String((await once(socket, "data"))[0])).toBe("hello\n");
    socket.end();
    const ended = once(server, "exit");
    server.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
  } finally {
    server.kill("SIGKILL");
  }
});
