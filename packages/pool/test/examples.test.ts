import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const examples = resolve(import.meta.dirname, "../../../examples");

async function run(...argv: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: examples, timeout: 60_000 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

it("the live rack renders a WAV file and survives the crash of a module in real time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rack-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const wav = join(folder, "rack.wav");
  const report = await run("live-rack/main.js", "2", wav);
  expect(report["crashes"]).toBe(1);
  // How many ticks were late is a matter of the machine; that each was either played or counted is ours.
  expect(Number(report["ticks"]) + Number(report["lateTicks"])).toBeGreaterThanOrEqual(Math.floor(2000 / 5.81));
  expect(Number(report["silentBlocks"])).toBeLessThan(Number(report["ticks"]) / 2);
  const file = readFileSync(wav);
  expect([file.toString("latin1", 0, 4), file.readUInt32LE(24)]).toEqual(["RIFF", 44_100]);
  expect(file.length).toBeGreaterThan(2 * 44_100 * 4);
  const samples = new Int16Array(file.buffer.slice(file.byteOffset + 44, file.byteOffset + 44 + 4 * 44_100));
  expect(Math.max(...samples.subarray(0, 44_100))).toBeGreaterThan(3000);
}, 60_000);

it("transpile does on warm workers what cold processes do", async () => {
  const report = await run("transpile/main.js", "12");
  expect(report).toMatchObject({ files: 12, tasks: 12 });
}, 60_000);
