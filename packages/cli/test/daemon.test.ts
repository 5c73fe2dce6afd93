import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { apiVersionHeader } from "@constellation/contract";
import { expect, onTestFinished, test, vi } from "vitest";
import { daemonIsGone } from "../src/daemon/gone.ts";
import { commandLine } from "./command-line.ts";

/** Answers every call as a daemon that speaks another version of the API, and ends when it is told to. */
const stranger = `
const [, socketPath, header] = process.argv;
require("node:http").createServer((request, response) => {
  response.setHeader(header, "99");
  response.end(JSON.stringify({ version: "9.0.0", api: 99, node: "99.0.0", pid: process.pid, startedAt: 0 }));
  if (request.url.endsWith("/stop")) response.on("close", () => process.exit());
}).listen(socketPath, () => console.log("listening"));
`;

async function withStranger() {
  const line = await commandLine();
  mkdirSync(join(line.home, "run"));
  const child = spawn(process.execPath, ["-e", stranger, join(line.home, "run/daemon.sock"), apiVersionHeader], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill());
  await once(child.stdout, "data");
  return { ...line, pid: child.pid };
}

test("a daemon of another version is named, and can be stopped as the error says", async () => {
  const { run, pid } = await withStranger();
  const refused = await run("ps");
  expect(refused).toMatchObject({ code: 5, err: expect.stringContaining("`constellation daemon stop`") });
  expect(await run("version")).toMatchObject({ code: 0, out: expect.stringContaining("9.0.0 on 99.0.0") });
  expect(await run("daemon", "stop")).toMatchObject({ code: 0, out: expect.stringContaining(`pid ${pid}`) });
});

test("a daemon that has ended is gone, although nobody has waited for it", async () => {
  // The shell's child becomes that of `sleep`, which waits for nobody; it ends when that is so.
  const child = 'while read name < /proc/$$/comm; [ "$name" != sleep ]; do sleep 0.01; done';
  const parent = spawn("sh", ["-c", `(${child}) & echo $!; exec sleep 60`], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void parent.kill());
  const [text] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(text.toString());
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z "));
  await daemonIsGone("daemon.sock", pid, AbortSignal.timeout(5000));
});
