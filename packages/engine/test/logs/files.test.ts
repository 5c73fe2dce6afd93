import fc from "fast-check";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FileLogStore, type LogEntry, type LogFollow, type LogQuery } from "../../src/index.ts";
import { formatTime } from "../../src/logs/cri.ts";
import { offsetOfTail, offsetOfTime } from "../../src/logs/seek.ts";
import { namesIn, scratch } from "../scratch.ts";

function made(files: Record<string, string | Uint8Array>): { store: FileLogStore; directory: string; folder: string } {
  const directory = scratch();
  const folder = join(directory, "a");
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return { store: new FileLogStore({ directory }), directory, folder };
}

async function read(store: FileLogStore, query: LogQuery = {}): Promise<string[]> {
  const entries: string[] = [];
  for await (const entry of store.query(query)) entries.push(shown(entry));
  return entries;
}

function shown(entry: LogEntry): string {
  return entry.kind === "line" ? `${entry.text}${entry.continues ? "…" : ""}` : `gap ${entry.gapBytes} ${entry.why}`;
}

const at = (ms: number): string => formatTime(ms);
const line = (ms: number, text: string, head = "stdout F"): string => `${at(ms)} ${head} ${text}\n`;

async function following(
  store: FileLogStore,
  follow: LogFollow,
  count: number,
  meanwhile: (got: string[]) => void,
): Promise<string[]> {
  const got: string[] = [];
  const stop = new AbortController();
  for await (const entry of store.follow({ ...follow, signal: stop.signal })) {
    got.push(shown(entry));
    meanwhile(got);
    if (got.length >= count) break;
  }
  stop.abort();
  return got;
}

function openFiles(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(directory) ? [target] : [];
    } catch {
      return [];
    }
  });
}

describe("what is in the files", () => {
  test("rotated files are read oldest first, and partial lines are joined per stream and across files", async () => {
    const { store, directory } = made({
      "log.2": line(1, "1") + line(2, "2a", "stdout P"),
      "log.1": line(3, "err", "stderr F") + line(4, "2b", "stdout P") + line(5, "2c"),
      log: line(6, "3") + line(7, "unfinished", "stderr P"),
      "log.old": line(0, "not ours"),
      "log.01": line(0, "not ours"),
    });
    expect(await read(store)).toEqual(["1", "err", "2a2b2c", "3", "unfinished…"]);
    expect(await read(store, { tail: 2 })).toEqual(["3", "unfinished…"]);
    expect(openFiles(directory)).toEqual([]);
  });

  test("a line that is being written is none of the last ones, and who follows gets it whole", async () => {
    const { store, folder } = made({ log: line(1, "one") + line(2, "two").slice(0, -2) });
    expect(await read(store, { tail: 1 })).toEqual(["one"]);
    const finish = (): void => appendFileSync(join(folder, "log"), `o\n${line(3, "three")}`);
    setTimeout(finish, 50);
    expect(await following(store, {}, 2, () => undefined)).toEqual(["two", "three"]);
    await store.close();
  });

  test("a time that no line can have is refused in words", () => {
    const { store } = made({ log: line(1, "one") });
    for (const atMs of [Number.NaN, -1, Date.UTC(10_000, 0, 1), 9e15]) {
      expect(() => store.query({ sinceMs: atMs })).toThrow(/Cannot read the log at/);
      expect(() => store.query({ untilMs: atMs })).toThrow(/Cannot read the log at/);
      expect(() => store.follow({ from: { sinceMs: atMs } })).toThrow(/Cannot read the log at/);
    }
  });

  test("a character that was cut between pieces is whole again", async () => {
    const text = Buffer.from("a€b");
    const { store } = made({
      log: Buffer.concat([
        Buffer.from(`${at(1)} stdout P `),
        text.subarray(0, 2),
        Buffer.from(`\n${at(1)} stdout F `),
        text.subarray(2),
        Buffer.from("\n"),
      ]),
    });
    expect(await read(store)).toEqual(["a€b"]);
  });

  test("a character is not cut where a long line goes on in another entry", async () => {
    const { store } = made({});
    const text = `x${"€".repeat(200_000)}`;
    await store.append("a", [{ stream: "stdout", text }]);
    const entries: LogEntry[] = [];
    for await (const entry of store.query({})) entries.push(entry);
    expect(entries.length).toBeGreaterThan(1);
    expect(entries.map((entry) => (entry.kind === "line" ? entry.text : "")).join("")).toBe(text);
    await store.close();
  });

  test("other runtimes' time stamps are brought to ours", async () => {
    const { store } = made({ log: "2026-11-21T06:00:00.5+01:00 stdout F one\n2026-11-21T05:00:01Z stderr F:x two\n" });
    const entries: string[] = [];
    for await (const entry of store.query({})) entries.push(entry.time);
    expect(entries).toEqual(["2026-11-21T05:00:00.500000000Z", "2026-11-21T05:00:01.000000000Z"]);
  });

  test("what is no line becomes a gap with its bytes, and the lines around it stay", async () => {
    const torn = line(2, "torn").slice(0, 20);
    const { store } = made({
      "log.1": `${line(1, "one")}${torn}`,
      log: `\n${line(3, "three")}garbage\n${line(4, "four")}`,
    });
    expect(await read(store)).toEqual(["one", "gap 20 malformed", "three", "gap 7 malformed", "four"]);
  });

  test("a megabyte without a line end is passed over in bounded memory", async () => {
    const { store } = made({
      log: Buffer.concat([
        Buffer.from(line(1, "one")),
        Buffer.alloc(3_000_000, "z"),
        Buffer.from(`\n${line(2, "two")}`),
      ]),
    });
    const entries = await read(store);
    expect([entries[0], entries.at(-1)]).toEqual(["one", "two"]);
    expect(entries.slice(1, -1).every((entry) => entry.endsWith("malformed"))).toBe(true);
  });

  test("any bytes are read without an error, and nothing is counted that is not there", async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(
          fc.nat(5000),
          fc.constantFrom("stdout F", "stderr P", "stdout P", "stdout X"),
          fc.string({ maxLength: 20 }),
        )
        .map(([ms, head, text]) => Buffer.from(line(ms, text, head))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 20 }),
        fc.array(piece, { maxLength: 20 }),
        fc.nat(5000),
        async (older, live, sinceMs) => {
          const { store, directory } = made({ "log.1": Buffer.concat(older), log: Buffer.concat(live) });
          const entries: LogEntry[] = [];
          for await (const entry of store.query({})) entries.push(entry);
          const bytes = Buffer.concat([...older, ...live]).byteLength;
          expect(
            entries.reduce((sum, entry) => sum + (entry.kind === "gap" ? entry.gapBytes : 0), 0),
          ).toBeLessThanOrEqual(bytes);
          await read(store, { sinceMs });
          await read(store, { tail: 3 });
          expect(openFiles(directory)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("finding a place", () => {
  const times = fc.array(fc.nat(300), { minLength: 1, maxLength: 400 }).map((list) => list.sort((a, b) => a - b));

  test("by time: the first line that is not older", () => {
    fc.assert(
      fc.property(times, fc.integer({ min: -1, max: 301 }), fc.nat(900), (list, sought, width) => {
        const lines = list.map((ms, index) => line(ms, "y".repeat((index * 37) % (width + 1))));
        const { folder } = made({ log: lines.join("") });
        const file = openSync(join(folder, "log"), "r");
        const size = lines.join("").length;
        const first = list.findIndex((ms) => ms >= sought);
        const wanted = first < 0 ? size : lines.slice(0, first).join("").length;
        expect(offsetOfTime(file, size, sought < 0 ? "0" : at(sought))).toBe(wanted);
        closeSync(file);
      }),
      { numRuns: 200 },
    );
  });

  test("by count: the last so many complete lines", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("stdout F", "stdout P", "stderr F"), { maxLength: 300 }),
        fc.nat(40),
        fc.nat(2000),
        (heads, count, width) => {
          const lines = heads.map((head, index) => line(index, "y".repeat((index * 37) % (width + 1)), head));
          const { folder } = made({ log: lines.join("") });
          const file = openSync(join(folder, "log"), "r");
          const full = heads.flatMap((head, index) => (head.endsWith("F") ? [index] : []));
          const before = full.at(-count - 1);
          const found = offsetOfTail(file, lines.join("").length, count, undefined);
          const wanted = count >= full.length ? 0 : lines.slice(0, (before ?? -1) + 1).join("").length;
          expect(found).toEqual({ offset: wanted, missing: Math.max(0, count - full.length) });
          closeSync(file);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("following", () => {
  test("a line without its end is shown after a while, as unfinished", async () => {
    const { store } = made({ log: line(1, "Password: ", "stdout P") });
    expect(await following(store, { from: { sinceMs: 0 } }, 1, () => undefined)).toEqual(["Password: …"]);
  });

  test("the first bytes of a character wait for the others, and bytes that are none are not waited for", async () => {
    const head = Buffer.from(`${at(1)} stdout P a`);
    const { store, folder } = made({ log: Buffer.concat([head, Buffer.from("€").subarray(0, 2), Buffer.from("\n")]) });
    const got = await following(store, { from: { sinceMs: 0 } }, 3, (so) => {
      const rest = Buffer.concat([Buffer.from(`${at(2)} stdout F `), Buffer.from("€").subarray(2), Buffer.from("b\n")]);
      if (so.length === 1) appendFileSync(join(folder, "log"), rest);
      const broken = Buffer.concat([Buffer.from(`${at(3)} stdout P c`), Buffer.from([0xff, 0x0a])]);
      if (so.length === 2) appendFileSync(join(folder, "log"), broken);
    });
    expect(got).toEqual(["a…", "€b", "c\ufffd…"]);
    await store.close();
  });

  test("after any entry's cursor comes what came after the entry", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), async (lines) => {
        const content = lines.map((isLine, index) => (isLine ? line(index, `line ${index}`) : `garbage ${index}\n`));
        const { store } = made({ log: content.join("") });
        const entries: LogEntry[] = [];
        for await (const entry of store.query({})) entries.push(entry);
        for (const [index, { cursor }] of entries.slice(0, -1).entries()) {
          const rest = entries.slice(index + 1).map(shown);
          expect(await following(store, { from: { after: { a: cursor } } }, rest.length, () => undefined)).toEqual(
            rest,
          );
        }
        await store.close();
      }),
      { numRuns: 20 },
    );
  });

  test("what was written just before a rotation, and a file emptied by hand, are not missed", async () => {
    const { store, folder } = made({ log: line(1, "1") });
    const log = join(folder, "log");
    const got = await following(store, { from: { sinceMs: 0 } }, 4, (so) => {
      if (so.length === 1) {
        appendFileSync(log, line(2, "2"));
        renameSync(log, join(folder, "log.1"));
        writeFileSync(log, line(3, "3"));
      }
      if (so.at(-1) === "3") {
        truncateSync(log, 0);
        appendFileSync(log, line(4, ""));
      }
    });
    expect(got.slice(0, 3)).toEqual(["1", "2", "3"]);
    expect(got).toContain("gap 0 rotated");
  });

  test("a cursor whose file is gone continues by time, and says that lines may be missing", async () => {
    const { store, folder } = made({ log: line(10, "1") + line(20, "2") });
    const entries: LogEntry[] = [];
    for await (const entry of store.query({})) entries.push(entry);
    rmSync(join(folder, "log"));
    writeFileSync(join(folder, "log.1"), line(20, "2") + line(30, "3"));
    writeFileSync(join(folder, "log"), line(40, "4"));
    const cursor = entries[1]?.cursor ?? { file: 0, end: 0, time: "" };
    const got = await following(
      store,
      { from: { after: { a: { ...cursor, file: cursor.file + 1_000_000 } } } },
      3,
      () => undefined,
    );
    expect(got).toEqual(["gap 0 rotated", "3", "4"]);
  });

  test("a removed instance ends, and closing the store ends the follower with an error", async () => {
    const { store, directory } = made({ log: line(1, "1") });
    const got: string[] = [];
    const ended = (async () => {
      for await (const entry of store.follow({ from: { sinceMs: 0 } })) {
        got.push(shown(entry));
        await store.remove("a");
      }
    })();
    while (got.length === 0) await new Promise(setImmediate);
    await store.append("b", [{ stream: "stdout", text: "later" }]);
    while (got.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.close();
    await expect(ended).rejects.toThrow("closed");
    expect(got).toEqual(["1", "later"]);
    expect(openFiles(directory)).toEqual([]);
  });
});

test("pruning removes old rotated files and keeps the one being written", async () => {
  const { store, folder } = made({ "log.2": line(1, "1"), "log.1": line(2, "2"), log: line(3, "3") });
  for (const name of ["log.2", "log"]) utimesSync(join(folder, name), 1000, 1000);
  expect(await store.prune({ olderThanMs: 2_000_000 })).toEqual({ files: 1, bytes: line(1, "1").length });
  expect(namesIn(folder)).toEqual(["log", "log.1"]);
  expect(await read(store)).toEqual(["2", "3"]);
});
