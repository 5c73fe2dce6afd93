import type { JournalRecord, TestRecord } from "./record.ts";

/** How one attempt went. */
export interface AttemptHistory {
  readonly number: number;
  readonly jobs: number;
  readonly isolated: string | undefined;
  /** Tests that finished in it. */
  readonly finished: number;
  /** Files that were started and not ended: where it died. */
  readonly open: readonly string[];
  readonly stop: Extract<JournalRecord, { kind: "stop" }> | undefined;
}

/** A journal, added up. */
export interface Ledger {
  readonly run: Extract<JournalRecord, { kind: "run" }>;
  readonly tests: ReadonlyMap<string, TestRecord>;
  readonly troubles: readonly Extract<JournalRecord, { kind: "trouble" }>[];
  readonly unfit: ReadonlyMap<string, Extract<JournalRecord, { kind: "unfit" }>>;
  /** File -> its content's hash when it ended. */
  readonly ended: ReadonlyMap<string, string>;
  readonly attempts: readonly AttemptHistory[];
  /** Finished tests that finished again: zero, unless they were asked for again. */
  readonly repeated: number;
}

/** The name of a test that stays its own: file, title path, and which one of those with equal paths. */
export function testKey({ file, path, n }: Pick<TestRecord, "file" | "path" | "n">): string {
  return JSON.stringify([file, path, n]);
}

/** Adds a sound journal up. A file that changed between attempts keeps only the tests of its last content. */
export function addUp(records: readonly JournalRecord[]): Ledger {
  const [run] = records;
  if (run?.kind !== "run") throw new TypeError("Cannot add up a journal that does not begin with its run");
  const tests = new Map<string, TestRecord>();
  const unfit = new Map<string, Extract<JournalRecord, { kind: "unfit" }>>();
  const ended = new Map<string, string>();
  const hashes = new Map<string, string>();
  const attempts: (AttemptHistory & { finished: number; open: string[] })[] = [];
  let troubles: Extract<JournalRecord, { kind: "trouble" }>[] = [];
  let repeated = 0;
  let ignored = new Set<string>();

  for (const record of records) {
    const current = attempts.at(-1);
    if ("file" in record && hashes.get(record.file) !== record.hash) {
      forget(record.file);
      hashes.set(record.file, record.hash);
    }
    switch (record.kind) {
      case "run":
        break;
      case "attempt":
        attempts.push({
          number: record.number,
          jobs: record.jobs,
          isolated: record.isolated,
          finished: 0,
          open: [],
          stop: undefined,
        });
        ignored = new Set();
        break;
      case "file":
        current?.open.push(record.file);
        // What went wrong around the tests of a file is seen again when the file runs again.
        if (!ignored.has(record.file)) troubles = troubles.filter(({ file }) => file !== record.file);
        ignored.add(record.file);
        break;
      case "test": {
        const key = testKey(record);
        if (tests.has(key)) repeated += 1;
        tests.set(key, record);
        if (current !== undefined) current.finished += 1;
        break;
      }
      case "trouble":
        troubles.push(record);
        break;
      case "end":
        ended.set(record.file, record.hash);
        if (current !== undefined)
          current.open.splice(0, Infinity, ...current.open.filter((file) => file !== record.file));
        break;
      case "unfit":
        unfit.set(record.file, record);
        break;
      case "stop":
        if (current !== undefined) attempts[attempts.length - 1] = { ...current, stop: record };
    }
  }
  return { run, tests, troubles, unfit, ended, attempts, repeated };

  function forget(file: string): void {
    for (const [key, test] of tests) if (test.file === file) tests.delete(key);
    unfit.delete(file);
    ended.delete(file);
    troubles = troubles.filter((trouble) => trouble.file !== file);
  }
}
