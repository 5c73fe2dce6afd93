import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crc32 } from "../../src/journal/crc32.ts";
import { openJournalFile } from "../../src/journal/journal-file.ts";
import { addUp, testKey } from "../../src/journal/ledger.ts";
import { planSkips } from "../../src/journal/plan.ts";
import { parseJournal, readJournal } from "../../src/journal/read.ts";
import { encodeRecord, type JournalRecord, type TestRecord } from "../../src/journal/record.ts";

const hooks = createRequire(import.meta.url)("../../guests/journal.cjs") as { crc32: (text: string) => string };
const header: JournalRecord = { kind: "run", version: 1, run: "r", framework: "mocha", suite: "s", at: "now" };
const attempt: JournalRecord = { kind: "attempt", number: 1, jobs: 2, at: "now" };

const name = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const file = fc.constantFrom("a.js", "b.js", "test/c.js");
const test = fc.record({
  kind: fc.constant("test" as const),
  file,
  hash: fc.constant("h"),
  path: fc.array(name, { minLength: 1, maxLength: 3 }),
  n: fc.nat(2),
  status: fc.constantFrom("passed" as const, "failed" as const, "skipped" as const),
  ms: fc.nat(1000),
});
const textOf = (records: readonly JournalRecord[]): string =>
  records.map((record) => `\n${encodeRecord(record)}`).join("");

describe("crc32", () => {
  it("is zlib's, in the guard and in the hooks", () => {
    const reference = (zlib as { crc32?: (text: string) => number }).crc32;
    expect(crc32("123456789")).toBe("cbf43926");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(hooks.crc32(text)).toBe(crc32(text));
        if (reference !== undefined) expect(Number.parseInt(crc32(text), 16)).toBe(reference(text));
      }),
    );
  });
});

describe("a journal", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(fc.array(test), (tests) => {
        const read = parseJournal(textOf([header, attempt, ...tests]));
        expect(read).toEqual({ kind: "sound", records: [header, attempt, ...tests], tornLines: 0 });
      }),
    );
  });

  it("cut anywhere keeps every record before the cut and is never called corrupt", () => {
    fc.assert(
      fc.property(
        fc.array(test, { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (tests, share) => {
          const text = textOf([header, attempt, ...tests]);
          const first = textOf([header]).length;
          const bytes = Buffer.from(text);
          const cut = bytes.subarray(0, first + Math.floor(share * (bytes.length - first))).toString("utf8");
          const read = parseJournal(cut);
          expect(read.kind).toBe("sound");
          if (read.kind !== "sound") return;
          const whole = [header, attempt, ...tests];
          expect(read.records).toEqual(whole.slice(0, read.records.length));
          expect(read.records.length).toBeGreaterThanOrEqual(cut.split("\n").length - 2);
        },
      ),
    );
  });

  it("cut behind a brace in a text, or within its first line, is not called corrupt", () => {
    const failed = { ...fc.sample(test, { numRuns: 1, seed: 1 })[0], error: 'wanted {"a":"b"} here' } as TestRecord;
    const line = encodeRecord(failed);
    const read = parseJournal(`${textOf([header])}\n${line.slice(0, line.indexOf('"} here') + 2)}`);
    expect(read).toEqual({ kind: "sound", records: [header], tornLines: 1 });
    expect(parseJournal(textOf([header]).slice(0, 30))).toEqual({ kind: "absent" });
  });

  it("survives a writer that was killed in the middle while others went on", () => {
    const tests = fc.sample(test, { numRuns: 3, seed: 1 });
    const [first, second, third] = tests.map(encodeRecord);
    const read = parseJournal(`${textOf([header])}\n${first}\n${second?.slice(0, 25)}\n${third}`);
    expect(read).toEqual({ kind: "sound", records: [header, tests[0], tests[2]], tornLines: 1 });
  });

  it("with any byte changed never yields a test that was not written", () => {
    fc.assert(
      fc.property(
        fc.array(test, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        (tests, at, byte) => {
          const bytes = Buffer.from(textOf([header, attempt, ...tests]));
          bytes[at % bytes.length] = byte;
          const read = parseJournal(bytes.toString("utf8"));
          if (read.kind !== "sound") return;
          const written = new Set([header, attempt, ...tests].map(encodeRecord));
          for (const record of read.records) expect(written).toContain(encodeRecord(record));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("that is anything at all is read without throwing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => void parseJournal(text)),
      { numRuns: 2000 },
    );
    expect(parseJournal("hello").kind).toBe("corrupt");
    expect(parseJournal("\0".repeat(4096)).kind).toBe("corrupt");
    expect(parseJournal(`\n${encodeRecord(attempt)}`).kind).toBe("corrupt");
    expect(parseJournal("").kind).toBe("absent");
  });
});

describe("a ledger", () => {
  it("counts repeats, and keeps the last result of each key", () => {
    fc.assert(
      fc.property(fc.array(test), (tests) => {
        const ledger = addUp([header, attempt, ...tests]);
        expect(ledger.tests.size + ledger.repeated).toBe(tests.length);
        expect(new Set(tests.map(testKey))).toEqual(new Set(ledger.tests.keys()));
        expect(ledger.attempts[0]?.finished).toBe(tests.length);
      }),
    );
  });

  it("forgets the tests of a file that was edited, and passes over none whose file reads differently now", () => {
    const one: TestRecord = { kind: "test", file: "a.js", hash: "old", path: ["x"], n: 0, status: "passed", ms: 1 };
    const two: TestRecord = { ...one, hash: "new", path: ["y"] };
    const ledger = addUp([header, attempt, one, two]);
    expect([...ledger.tests.values()]).toEqual([two]);
    const plan = planSkips(ledger, () => "newest", { rerunFailed: false });
    expect(plan.finished.size).toBe(0);
    expect(plan.changed).toEqual(["a.js"]);
  });

  it("plans every finished test once, and leaves failed ones out when they are to run again", () => {
    fc.assert(
      fc.property(fc.array(test), fc.boolean(), (tests, rerunFailed) => {
        const ledger = addUp([header, attempt, ...tests]);
        const plan = planSkips(ledger, () => "h", { rerunFailed });
        const planned = [...plan.finished].flatMap(([file, keys]) =>
          keys.map(([path, n]) => testKey({ file, path: [...path], n })),
        );
        const wanted = [...ledger.tests].filter(([, { status }]) => !(rerunFailed && status === "failed"));
        expect(planned.sort()).toEqual(wanted.map(([key]) => key).sort());
      }),
    );
  });
});

describe("a journal file", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "guard-journal-"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it("plans a failed test that has run again by now no third time", () => {
    const failed: TestRecord = { kind: "test", file: "a.js", hash: "h", path: ["x"], n: 0, status: "failed", ms: 1 };
    const ledger = addUp([header, attempt, failed]);
    const finished = (except?: ReadonlySet<string>) =>
      planSkips(ledger, () => "h", { rerunFailed: true, except }).finished.get("a.js") ?? [];
    expect(finished()).toEqual([]);
    expect(finished(new Set([testKey(failed)]))).toEqual([[["x"], 0]]);
  });

  it("shows what other processes append, each record once, also when it arrives in two parts", async () => {
    const path = join(directory, "journal.jsonl");
    const journal = openJournalFile(path, { fresh: true });
    try {
      journal.append(header);
      expect(journal.news()).toEqual([header]);
      const line = `\n${encodeRecord(attempt)}`;
      writeFileSync(path, line.slice(0, 20), { flag: "a" });
      expect(journal.news()).toEqual([]);
      writeFileSync(path, line.slice(20), { flag: "a" });
      expect(journal.news()).toEqual([attempt]);
      expect(journal.news()).toEqual([]);
      await journal.sync();
    } finally {
      journal.close();
    }
    expect(parseJournal(readFileSync(path, "utf8"))).toMatchObject({ kind: "sound", tornLines: 0 });
  });

  it("says so when it cannot be written or read", () => {
    expect(() => openJournalFile(join(directory, "no", "where"), { fresh: true })).toThrow(/Cannot write the journal/);
    expect(() => openJournalFile("/dev/full", { fresh: false })).toThrow(/ENOSPC/);
    expect(readJournal(directory).kind).toBe("corrupt");
    expect(readJournal(join(directory, "absent")).kind).toBe("absent");
  });
});
