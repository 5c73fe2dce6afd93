import { writeSync } from "node:fs";
import type { Cgroup } from "@constellation/host";
import { type Adapter, type AdapterRequest, type GuestUnit, hashOf, type OutputEvent } from "../adapters/adapter.ts";
import type { JournalFile } from "../journal/journal-file.ts";
import type { SkipPlan } from "../journal/plan.ts";
import { runFiles } from "./file-pool.ts";
import type { Guest, GuestExit } from "./guest.ts";
import type { StopSignal } from "./stop-signal.ts";
import { unitOutput } from "./unit-output.ts";

export interface UnitsContext {
  readonly adapter: Extract<Adapter, { shape: "files" }>;
  readonly request: AdapterRequest;
  readonly jobs: number;
  readonly skips: SkipPlan;
  /** The only file that is run. */
  readonly isolated: string | undefined;
  readonly journal: JournalFile;
  readonly stop: StopSignal;
  readonly cgroup: Cgroup | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly output: "inherit" | number;
  /** Whether the kernel has ended processes for memory since the attempt began. */
  readonly ranOut: () => boolean;
  /** Told of each process that is started. */
  readonly follow: (guest: Guest) => void;
}

/** Of a shell whose program was ended by SIGKILL. */
const killedCode = 128 + 9;

/** Runs what is left, one process for each unit. @returns the worst exit code, null when a unit died by a signal */
export async function runUnits(context: UnitsContext): Promise<number | null> {
  const { adapter, request, jobs, skips, isolated, journal, stop, cgroup, environment, output } = context;
  const { results } = adapter;
  // Where the process is the test its result says that it is through, also when the guard was killed before it wrote the end.
  const isThrough = (file: string): boolean =>
    skips.wholeFiles.has(file) || (results === "exit" && (skips.finished.get(file)?.length ?? 0) > 0);
  // One in brackets stands for many files: it is told itself what to leave out.
  const isMeant = (file: string): boolean => isolated === undefined || file === isolated || file.startsWith("(");
  const units = adapter.units(request).filter(({ file }) => isMeant(file) && !isThrough(file));
  const hashNow = hashOf(adapter, request.root);
  /** What each file read like when it began: what it says belongs to that, whatever is written to it meanwhile. */
  const begun = new Map<string, string>();
  const hashThen = (file: string): string => begun.get(file) ?? hashNow(file);
  const failed = new Set<GuestUnit>();
  let worst: number | null = 0;
  const begin = (file: string, guest: Guest | undefined): void => {
    if (begun.has(file)) return;
    const hash = hashNow(file);
    begun.set(file, hash);
    journal.append({ kind: "file", file, hash, pid: guest?.child.pid ?? 0 });
  };
  const pool = runFiles(units, jobs, {
    cwd: request.root,
    environment,
    output: () => unitOutput(output, jobs === 1 || typeof results !== "string", request.stateDirectory),
    group: cgroup,
    ...(typeof results === "string"
      ? {}
      : {
          read: (unit, self) => {
            const reader = results.reader(unit);
            const counts = new Map<string, number>();
            const line = (text: string): void => {
              for (const event of reader.line(text)) take(event, unit, counts, self());
            };
            return { stream: results.stream, line };
          },
        }),
    started(guest, { file }) {
      context.follow(guest);
      // A unit in brackets that is read stands for many files: each begins with its first result.
      if (results === "exit" || (results !== "journal" && !file.startsWith("("))) begin(file, guest);
    },
    ended(unit, exit, ms) {
      worst = worst === null || exit.code === null ? null : Math.max(worst, exit.code);
      if (!stop.killed.signal.aborted) close(unit, exit, ms);
    },
  });
  stop.shed = (less) => {
    if (!stop.draining.signal.aborted) pool.setJobs(less ? Math.max(1, jobs - 1) : jobs);
  };
  stop.draining.signal.addEventListener("abort", () => pool.setJobs(0), { once: true });
  if (stop.draining.signal.aborted) pool.setJobs(0);
  stop.killed.signal.addEventListener("abort", () => pool.release(), { once: true });
  await pool.done;
  return worst;

  function take(event: OutputEvent, unit: GuestUnit, counts: Map<string, number>, guest: Guest | undefined): void {
    if (event.kind === "show") return show(event.text);
    const { file } = event;
    if (event.kind === "end") return journal.append({ kind: "end", file, hash: hashThen(file) });
    begin(file, guest);
    const key = JSON.stringify([file, ...event.path]);
    const n = counts.get(key) ?? 0;
    counts.set(key, n + 1);
    const { path, status, ms, error } = event;
    if (status === "failed") failed.add(unit);
    const why = error === undefined ? {} : { error: error.slice(0, 4000) };
    journal.append({
      kind: "test",
      file,
      hash: hashThen(file),
      path,
      n,
      status,
      ms: Math.round(ms * 100) / 100,
      ...why,
    });
    // It would start the next test by itself.
    if (stop.draining.signal.aborted) guest?.child.kill("SIGKILL");
  }

  function show(text: string): void {
    if (output === "inherit") process.stdout.write(text);
    else writeSync(output, text);
  }

  function close(unit: GuestUnit, { code, signal }: GuestExit, ms: number): void {
    const { file, title } = unit;
    const hash = hashThen(file);
    if (results === "exit") {
      // What the kernel ended for memory has no result; a shell hands the signal on as its exit code.
      if ((signal === "SIGKILL" || code === killedCode) && context.ranOut()) return;
      journal.append({ kind: "test", file, hash, path: [title], n: 0, status: code === 0 ? "passed" : "failed", ms });
      journal.append({ kind: "end", file, hash });
      return;
    }
    if (stop.draining.signal.aborted) return;
    const isSaid = results === "journal" ? code === 1 : failed.has(unit);
    if (code !== 0 && !isSaid) trouble(file, hash, `the process ended with ${code ?? signal ?? "a signal"}`);
    if (results === "journal") return;
    for (const [each, hash] of begun) {
      const isOurs = each === file || file.startsWith("(");
      if (isOurs && code !== null) journal.append({ kind: "end", file: each, hash });
    }
  }

  function trouble(file: string, hash: string, error: string): void {
    journal.append({ kind: "trouble", file, hash, title: "(file)", error });
  }
}
