import type { DeathSigns } from "./death-signs.ts";
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
  /** From its beginning to its stop; undefined when it left no word. */
  readonly livedMs: number | undefined;
  /** Of the machine when it began. */
  readonly signs: DeathSigns | undefined;
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
  const book = new LedgerBook(run);
  for (const record of records) book.add(record);
  return book.ledger();
}

interface Attempt {
  readonly number: number;
  readonly jobs: number;
  readonly isolated: string | undefined;
  readonly at: string;
  finished: number;
  readonly open: Set<string>;
  stop: AttemptHistory["stop"];
  readonly signs: DeathSigns | undefined;
}

function historyOf({ at, open, ...rest }: Attempt): AttemptHistory {
  const livedMs = rest.stop === undefined ? NaN : Date.parse(rest.stop.at) - Date.parse(at);
  // A clock that was set back meanwhile says nothing.
  return { ...rest, open: [...open], livedMs: livedMs >= 0 ? livedMs : undefined };
}

/** A ledger that grows with the journal. */
export class LedgerBook {
  readonly #run: Ledger["run"];
  readonly #tests = new Map<string, TestRecord>();
  readonly #byFile = new Map<string, Set<string>>();
  readonly #unfit = new Map<string, Extract<JournalRecord, { kind: "unfit" }>>();
  readonly #ended = new Map<string, string>();
  readonly #hashes = new Map<string, string>();
  readonly #attempts: Attempt[] = [];
  #troubles: Extract<JournalRecord, { kind: "trouble" }>[] = [];
  #repeated = 0;
  #begun = new Set<string>();

  constructor(run: Ledger["run"]) {
    this.#run = run;
  }

  add(record: JournalRecord): void {
    const current = this.#attempts.at(-1);
    if ("file" in record && this.#hashes.get(record.file) !== record.hash) {
      this.#forget(record.file);
      this.#hashes.set(record.file, record.hash);
    }
    switch (record.kind) {
      case "run":
        return;
      case "attempt": {
        const { number, jobs, isolated, at, oomKills, boot } = record;
        const signs = oomKills === undefined || boot === undefined ? undefined : { oomKills, boot };
        this.#attempts.push({ number, jobs, isolated, at, finished: 0, open: new Set(), stop: undefined, signs });
        this.#begun = new Set();
        return;
      }
      case "file":
        current?.open.add(record.file);
        if (!this.#begun.has(record.file)) this.#beginAgain(record.file);
        this.#begun.add(record.file);
        return;
      case "test": {
        const key = testKey(record);
        if (this.#tests.has(key)) this.#repeated += 1;
        this.#tests.set(key, record);
        const keys = this.#byFile.get(record.file);
        if (keys === undefined) this.#byFile.set(record.file, new Set([key]));
        else keys.add(key);
        if (current !== undefined) current.finished += 1;
        return;
      }
      case "trouble":
        this.#troubles.push(record);
        return;
      case "end":
        this.#ended.set(record.file, record.hash);
        current?.open.delete(record.file);
        return;
      case "unfit":
        this.#unfit.set(record.file, record);
        return;
      case "stop":
        if (current !== undefined) current.stop = record;
    }
  }

  /** Drops what is known of files that read otherwise now, or are gone: it says nothing any more. */
  forgetChanged(hashNow: (file: string) => string): readonly string[] {
    const changed = [...this.#hashes].flatMap(([file, hash]) => {
      const now = hashNow(file);
      return now !== hash || now === "unreadable" ? [file] : [];
    });
    for (const file of changed) this.#forget(file);
    return changed;
  }

  /** As it stands; it does not grow with the book. */
  ledger(): Ledger {
    return {
      run: this.#run,
      tests: new Map(this.#tests),
      troubles: [...this.#troubles],
      unfit: new Map(this.#unfit),
      ended: new Map(this.#ended),
      attempts: this.#attempts.map(historyOf),
      repeated: this.#repeated,
    };
  }

  /** What went wrong around the tests of a file is seen again when the file runs again: all of it, if it had been through. */
  #beginAgain(file: string): void {
    if (!this.#troubles.some((trouble) => trouble.file === file)) return void this.#ended.delete(file);
    if (this.#ended.has(file)) return this.#forget(file);
    this.#troubles = this.#troubles.filter((trouble) => trouble.file !== file);
  }

  #forget(file: string): void {
    for (const key of this.#byFile.get(file) ?? []) this.#tests.delete(key);
    this.#byFile.delete(file);
    this.#unfit.delete(file);
    this.#ended.delete(file);
    if (this.#troubles.some((trouble) => trouble.file === file))
      this.#troubles = this.#troubles.filter((trouble) => trouble.file !== file);
  }
}
