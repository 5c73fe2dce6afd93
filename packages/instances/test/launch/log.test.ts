import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildPlan, killInstance, type LaunchRequest, watchLife } from "../../src/launch/index.ts";
import { asRoot, host, logLines, outputOf, World, eventually } from "./world.ts";

describe("the log pump", () => {
  const world = World.use();
  const logging = (request: LaunchRequest, over: Partial<NonNullable<LaunchRequest["log"]>>): LaunchRequest => ({
    ...request,
    log: { path: join(request.instanceDir, "log"), maxBytes: 1_000_000, rotatedFiles: 3, maxLineBytes: 16384, ...over },
  });
  const node = (script: string): LaunchRequest => world.request({ argv: [process.execPath, "-e", script] });

  test("writes CRI entries whose times are now, in order, and close to the truth", async () => {
    const before = Date.now();
    const request = world.request({ argv: ["sh", "-c", "echo one; sleep 0.05; echo two"] });
    await world.run(request);
    const times = logLines(request).map((line) => {
      expect(line).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z stdout F (?:one|two)$/u);
      return Date.parse(line.split(" ")[0] ?? "");
    });
    expect(times).toHaveLength(2);
    expect(times[0]).toBeGreaterThanOrEqual(before - 1);
    expect(times[1]).toBeGreaterThanOrEqual((times[0] ?? 0) + 40);
    expect(times[1]).toBeLessThanOrEqual(Date.now() + 1);
  });

  test("rotates without losing or cutting a line, and keeps to its files and sizes", async () => {
    const lines = 60_000;
    const request = logging(world.request({ argv: ["seq", "1", String(lines)] }), {
      maxBytes: 400_000,
      rotatedFiles: 9,
    });
    await world.run(request);
    const sizes = readdirSync(request.instanceDir)
      .filter((name) => /^log(?:\.\d)?$/u.test(name))
      .map((name) => statSync(join(request.instanceDir, name)).size);
    expect(sizes.length).toBeGreaterThan(5);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(400_000);
    expect(outputOf(request).stdout).toBe(Array.from({ length: lines }, (_, index) => `${index + 1}\n`).join(""));
  });

  test("drops the oldest file when all are full", async () => {
    const request = logging(world.request({ argv: ["seq", "1", "30000"] }), { maxBytes: 100_000, rotatedFiles: 2 });
    await world.run(request);
    const kept = outputOf(request).stdout.trim().split("\n").map(Number);
    const first = kept[0] ?? 0;
    expect(
      readdirSync(request.instanceDir)
        .filter((name) => name.startsWith("log"))
        .sort(),
    ).toEqual(["log", "log.1", "log.2"]);
    expect(first).toBeGreaterThan(20_000);
    expect(kept).toEqual(Array.from({ length: 30_000 - first + 1 }, (_, index) => first + index));
  });

  test("a program that writes without end cannot make its supervisor write as fast as it can", async () => {
    const request = logging(world.request({ argv: ["yes", ""] }), { maxBytes: 10_000_000, rotatedFiles: 1 });
    const { supervisor } = await world.spawner.launch(buildPlan(request, host));
    const written = (): number =>
      Number(/^wchar: (\d+)$/mu.exec(readFileSync(`/proc/${supervisor.pid}/io`, "latin1"))?.[1]);
    const [begun, before] = [performance.now(), written()];
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const bytes = written() - before;
    expect(bytes).toBeGreaterThan(1_000_000);
    // What one read of its pipe becomes may come on top.
    expect(bytes).toBeLessThan(((performance.now() - begun) / 1000) * 128_000_000 + 20_000_000);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
  });

  test("drops what was kept while more files were", async () => {
    const request = logging(world.request({ argv: ["seq", "1", "3000"] }), { maxBytes: 50_000, rotatedFiles: 2 });
    for (const number of [1, 2, 3, 4, 5]) writeFileSync(join(request.instanceDir, `log.${number}`), "");
    await world.run(request);
    const names = readdirSync(request.instanceDir).filter((name) => name.startsWith("log"));
    expect(names.sort()).toEqual(["log", "log.1", "log.2"]);
  });

  test("splits lines that are too long into P entries and joins them again", async () => {
    const request = logging(node('process.stdout.write("x".repeat(100_000) + "\\n" + "y".repeat(300) + "\\nend")'), {
      maxLineBytes: 4096,
    });
    await world.run(request);
    expect(outputOf(request).stdout).toBe(`${"x".repeat(100_000)}\n${"y".repeat(300)}\nend\n`);
    const tags = logLines(request).map((line) => line.split(" ")[2]);
    expect(tags).toEqual([...Array.from({ length: 24 }, () => "P"), "F", "F", "F"]);
  });

  test("splits no character of a line that is too long, and splits what is none wherever it must", async () => {
    const script =
      'process.stdout.write(["é", "€", "😀"].map((one) => `${one.repeat(3000)}\\na${one.repeat(3000)}\\n`).join(""))';
    const request = logging(node(script), { maxLineBytes: 1000 });
    await world.run(request);
    const line = (one: string): string => `${one.repeat(3000)}\na${one.repeat(3000)}\n`;
    expect(outputOf(request).stdout).toBe(["é", "€", "😀"].map(line).join(""));
    const other = logging(node("process.stdout.write(Buffer.alloc(10_000, 0xbf))"), { maxLineBytes: 1000 });
    await world.run(other);
    expect(logLines(other).map((each) => each.length)).toEqual([...Array.from({ length: 9 }, () => 1040), 1040]);
  });

  test("a line without end cannot make a file grow for ever", async () => {
    const request = logging(world.request({ argv: ["sh", "-c", "head -c 3000000 /dev/zero"] }), {
      maxBytes: 100_000,
      rotatedFiles: 1,
      maxLineBytes: 1000,
    });
    await world.run(request);
    for (const name of ["log", "log.1"]) expect(statSync(join(request.instanceDir, name)).size).toBeLessThan(210_000);
  });

  test("shows a prompt without line end after a second", async () => {
    const request = world.request({ argv: ["sh", "-c", "printf 'name? '; sleep 60"] });
    await world.spawner.launch(buildPlan(request, host));
    await eventually(() => logLines(request).join()).toMatch(/ stdout P name\? $/u);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
  });

  test("waits a moment for the rest of a character, not for ever", async () => {
    // The first byte of "€", and after the others that of a character which never comes.
    const script = "printf 'now \\342'; sleep 1.5; printf '\\202\\254 \\360'; sleep 60";
    const request = world.request({ argv: ["sh", "-c", script] });
    await world.spawner.launch(buildPlan(request, host));
    await eventually(() => logLines(request).map((line) => line.slice(31))).toEqual([
      "stdout P now ",
      "stdout P € ",
      "stdout P \uFFFD",
    ]);
    killInstance(request.instanceDir);
    await watchLife(request.instanceDir);
  });

  test("goes on behind a torn line of an earlier life", async () => {
    const request = world.request({ argv: ["echo", "new"] });
    writeFileSync(join(request.instanceDir, "log"), "2026-01-01T00:00:00.000000000Z stdout F to");
    await world.run(request);
    expect(logLines(request).map((line) => line.slice(31))).toEqual(["stdout F to", "stdout F new"]);
  });

  test.each([
    ["that is rotated soon", 400],
    ["that is not", 1_000_000],
  ])("a log %s and is deleted with its folder is made anew, and says so", async (_, maxBytes) => {
    const folder = mkdtempSync(join(world.folder, "vanishing-"));
    const enough = join(world.folder, "enough");
    const script = `const { existsSync } = require("node:fs"); let n = 0;
      setInterval(() => { console.log("line", n++); if (existsSync(${JSON.stringify(enough)})) process.exit(9); }, 10);`;
    const request = logging(node(script), { path: join(folder, "log"), maxBytes });
    const run = world.run(request);
    await eventually(() => logLines(request).length).toBeGreaterThan(3);
    // Meanwhile the next file may appear in it.
    rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 5 });
    await eventually(() => logLines(request).join("\n")).toContain(
      "stderr F [constellation] somebody deleted the log that was here",
    );
    const before = outputOf(request).stdout.length;
    await eventually(() => outputOf(request).stdout.length).toBeGreaterThan(before);
    writeFileSync(enough, "");
    const { record } = await run;
    expect(record).toMatchObject({ ending: { kind: "exited", exitCode: 9 }, droppedLogBytes: 0 });
    const kept = [...outputOf(request).stdout.matchAll(/^line (\d+)$/gmu)].map(([, number]) => Number(number));
    expect(kept).toEqual(kept.map((_number, at) => (kept[0] ?? 0) + at));
    expect(statSync(folder).mode & 0o777).toBe(0o750);
    rmSync(enough);
  });

  test("a log file that is deleted alone is made anew; a folder that cannot be costs lines, not the instance", async () => {
    const folder = join(world.folder, "gone", "vanishing");
    mkdirSync(folder, { recursive: true });
    const script =
      'let n = 0; const t = setInterval(() => { console.log("line", n++); if (n === 250) { clearInterval(t); process.exit(9); } }, 10)';
    const request = logging(node(script), { path: join(folder, "log") });
    const run = world.run(request);
    await eventually(() => logLines(request).length).toBeGreaterThan(3);
    rmSync(join(folder, "log"));
    await eventually(() => logLines(request).join("\n")).toContain("somebody deleted the log");
    rmSync(join(world.folder, "gone"), { recursive: true, maxRetries: 20, retryDelay: 5 });
    const { record } = await run;
    expect(record.ending).toEqual({ kind: "exited", exitCode: 9 });
    expect(record.droppedLogBytes).toBeGreaterThan(300);
  });

  test.skipIf(!asRoot)(
    "a full disk costs lines, which are counted and noted once there is room again",
    async () => {
      const folder = join(world.folder, "small-disk");
      mkdirSync(folder);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
      try {
        const ballast = join(folder, "ballast");
        const script = `const { existsSync } = require("node:fs"); let n = 0;
        const more = () => { console.log("line", n++, "z".repeat(200)); if (existsSync(${JSON.stringify(ballast)})) setTimeout(more, 2);
          else if (n < 5000) { n = 5000; setTimeout(more, 20); } else process.exit(0); }; more();`;
        writeFileSync(ballast, Buffer.alloc(32 * 1024));
        const request = logging(node(script), { path: join(folder, "log"), maxBytes: 1_000_000 });
        const run = world.run(request);
        await eventually(() => statSync(join(folder, "log")).size).toBeGreaterThan(24_000);
        await new Promise((resolve) => setTimeout(resolve, 300));
        rmSync(ballast);
        const { record } = await run;
        expect(record.ending).toEqual({ kind: "exited", exitCode: 0 });
        expect(record.droppedLogBytes).toBeGreaterThan(1000);
        const text = readFileSync(join(folder, "log"), "utf8");
        expect(text).toContain(
          `stderr F [constellation] ${record.droppedLogBytes} bytes of log were dropped here: errno 28\n`,
        );
        expect(text).toMatch(/ stdout F line 5000 z+\n$/u);
      } finally {
        execFileSync("umount", [folder]);
      }
    },
    20_000,
  );

  test.skipIf(!asRoot)("a disk that was full once costs no line any more once it has room", async () => {
    const folder = join(world.folder, "once-full");
    mkdirSync(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
    try {
      const ballast = join(folder, "ballast");
      const script = `const { existsSync } = require("node:fs"); let n = 0;
        const fill = () => { console.log("early", n++, "z".repeat(200)); setTimeout(existsSync(${JSON.stringify(ballast)}) ? fill : go, 2); };
        const go = () => { for (let i = 0; i < 20_000; i++) console.log("line", i, "y".repeat(100)); }; fill();`;
      writeFileSync(ballast, Buffer.alloc(1_000_000));
      const log = { path: join(folder, "log"), maxBytes: 100_000, rotatedFiles: 3 };
      const request = logging(node(script), log);
      const run = world.run(request);
      await eventually(() => statSync(log.path).size).toBeGreaterThan(20_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
      rmSync(ballast);
      await run;
      const kept = [...outputOf(request).stdout.matchAll(/^line (\d+) y+$/gmu)].map(([, number]) => Number(number));
      expect(kept.length).toBeGreaterThan(1000);
      expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => 20_000 - kept.length + at));
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  test("whatever is written in whatever pieces comes out the same", async () => {
    const piece = fc.record({
      err: fc.boolean(),
      text: fc.string({ unit: fc.constantFrom("a", "\n", "é", " ", "€", "😀"), maxLength: 400 }),
      times: fc.integer({ min: 1, max: 200 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 8 }),
        fc.integer({ min: 256, max: 2000 }),
        async (pieces, maxLineBytes) => {
          const input = JSON.stringify(pieces);
          const script =
            'const fs = require("node:fs"); for (const p of JSON.parse(process.argv[1])) fs.writeSync(p.err ? 2 : 1, p.text.repeat(p.times))';
          const request = logging(world.request({ argv: [process.execPath, "-e", script, input] }), {
            maxLineBytes,
            maxBytes: 5_000_000,
          });
          await world.run(request);
          const wanted = (err: boolean): string => {
            const text = pieces
              .filter((each) => each.err === err)
              .map((each) => each.text.repeat(each.times))
              .join("");
            return text === "" || text.endsWith("\n") ? text : `${text}\n`;
          };
          // Entries of long lines split no character: each can be read by itself.
          expect(outputOf(request)).toEqual({ stdout: wanted(false), stderr: wanted(true) });
        },
      ),
      { numRuns: 15 },
    );
  });
});
