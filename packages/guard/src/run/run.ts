import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { effectiveCpus, listListeners } from "@constellation/host";
import { ConstellationError, exitCodes, type ExitCodeName, formatBytes } from "@constellation/contract";
import { openGuardGauge } from "../gauge/gauge.ts";
import { openJournalFile, type JournalFile } from "../journal/journal-file.ts";
import type { Ledger } from "../journal/ledger.ts";
import { isCrowded } from "../policy/crowded.ts";
import { ranOut, readDeathSigns } from "../journal/death-signs.ts";
import { type GuardSample, reaches } from "../policy/level.ts";
import { defaultPolicy } from "../policy/settings.ts";
import { clearOrphanPorts } from "../ports/orphans.ts";
import { endAtExit } from "../teardown/at-exit.ts";
import { tearDown } from "../teardown/teardown.ts";
import { runAttempt } from "./attempt.ts";
import { unfitWords } from "../journal/unfit.ts";
import { openRunGroup, type RunGroup } from "./guest.ts";
import { markerName } from "./marker.ts";
import { noteLastRun, readLastRun } from "./last-run.ts";
import type { RunOptions } from "./options.ts";
import type { RunOutcome } from "./outcome.ts";
import { openPace } from "./pace.ts";
import { type Prepared, prepareRun } from "./prepare.ts";
import { hold, openStateDirectory, release, type StateDirectory, takeOver, unusable } from "./state-directory.ts";
import { StopSignal } from "./stop-signal.ts";
import { suspendTogether } from "./suspension.ts";
import { watchMachine } from "./watch.ts";

/**
 * Runs a test suite, or any command, so that it cannot take the machine down, and so that it can go on where it stopped.
 *
 * @throws ConstellationError usage.invalid, exec.failed, limit.unenforceable, state.unavailable, state.conflict
 */
export async function runGuarded(options: RunOptions): Promise<RunOutcome> {
  const startedAt = performance.now();
  const state = openStateDirectory(options.stateDirectory ?? join(options.root, ".constellation/test"));
  const say = options.onEvent ?? (() => undefined);
  const cores = Math.max(1, Math.floor(effectiveCpus().cores));
  // What this attempt starts is known by a name of its own: the run's own name is also that of its other attempts, and of
  // copies of its folder (a cache that two jobs of CI restored).
  const marker = randomUUID();
  // First of all: a living run's plan is not to be touched, and what a dead one left may still be writing its journal.
  const swept = await takeOver(state, marker, { containers: options.containers !== false });
  const prepared = prepareOrLeave(options, state, cores);
  const { run } = prepared.header;
  if (swept > 0) say({ kind: "note", text: `ended ${swept} process(es) that a killed run had left behind` });
  for (const text of prepared.notes) say({ kind: "note", text });
  if (options.clearPorts !== false)
    for (const { port, pids } of await clearOrphanPorts())
      say({ kind: "note", text: `freed port ${port}, held by pid ${pids.join(", ")} of a dead run` });

  const group = openRunGroup(marker);
  const bound = options.policy?.treeBytes;
  const unknown = whyMemoryIsUnknown(group);
  if (bound !== undefined && options.selfProtect !== false && unknown !== undefined) {
    if (group.kind === "grouped") {
      await group.cgroup.remove();
      group.leave();
    }
    release(state);
    throw new ConstellationError(
      "limit.unenforceable",
      `Cannot hold the run to ${formatBytes(bound)}: without a control group of its own its memory is not known (${unknown})`,
      { remedy: 'Give the threshold in percent ("80%"), or run where control groups can be made.' },
    );
  }
  if (group.kind === "ungrouped") say({ kind: "note", text: `without a control group of its own: ${group.reason}` });
  const cgroup = group.kind === "grouped" ? group.cgroup : undefined;
  let journal: JournalFile | undefined;
  let isTornDown = false;
  const watches = [endAtExit({ run: marker, cgroup }), suspendTogether(marker, cgroup)];
  try {
    options.lease?.started(marker, cgroup?.location);
    hold(state, { run: marker, ...(cgroup === undefined ? {} : { cgroup: cgroup.location }) });
    journal = openJournalFile(state.journal, { fresh: prepared.earlier === undefined });
    if (prepared.earlier === undefined) {
      journal.append(prepared.header);
      // What is said is kept for one run: over months it would fill the disk.
      if (options.output === "log") writeFileSync(state.output, "");
    }
    return await guard(journal);
  } finally {
    journal?.close();
    // Something failed before the attempt could clean up after itself.
    if (!isTornDown) await tearDown({ run: marker, cgroup, leaders: [] }, { containers: false });
    for (const callOff of watches) callOff();
    release(state);
    if (group.kind === "grouped") group.leave();
  }

  async function guard(journal: JournalFile): Promise<RunOutcome> {
    const number = (prepared.earlier?.attempts.at(-1)?.number ?? 0) + 1;
    say({
      kind: "started",
      run,
      framework: prepared.detected.adapter.name,
      because: prepared.detected.because,
      attempt: number,
      carried: [...prepared.skips.finished.values()].reduce((sum, tests) => sum + tests.length, 0),
      expected: readLastRun(state.last)?.tests ?? 0,
    });
    const gauge = openGuardGauge(() => cgroup);
    const open = new Set<string>();
    const peaks = new Map<string, number>();
    const collect = (): void => {
      for (const record of journal.news()) {
        prepared.book.add(record);
        if (record.kind === "file") open.add(record.file);
        if (record.kind === "end") open.delete(record.file);
        say({ kind: "record", record });
      }
    };
    const stop = new StopSignal(options, state);
    const pace = openPace(options.policy ?? defaultPolicy, cgroup, stop.leaders, (error) => stop.fail(error));
    // Tests that are to finish are not slowed.
    stop.draining.signal.addEventListener("abort", () => void pace.release(), { once: true });
    let first: GuardSample | undefined;
    let last: GuardSample | undefined;
    let crowded: boolean | undefined;
    const watch = watchMachine(
      gauge,
      options.policy ?? defaultPolicy,
      {
        sampled(sample, policy) {
          first ??= sample;
          last = sample;
          for (const file of open) peaks.set(file, Math.max(peaks.get(file) ?? 0, sample.treeBytes ?? 0));
          if (options.selfProtect !== false) {
            pace.follow(sample, policy);
            stop.hold(policy, sample.atMs);
          }
          options.lease?.report(sample.treeBytes ?? 0, policy.level);
          say({ kind: "sample", sample, state: policy });
        },
        changed(policy) {
          if (reaches(policy.level, "drain") && first !== undefined && last !== undefined)
            crowded ??= policy.cause === "cpu" || isCrowded(first, last, options.policy ?? defaultPolicy);
          say({ kind: "level", state: policy });
          if (options.selfProtect !== false) stop.follow(policy);
        },
        failed: (error) => stop.fail(error),
      },
      { shielded: () => options.lease?.shielded() ?? [], mostMs: options.checkIntervalMs ?? 1000 },
    );
    const syncing = setInterval(() => {
      try {
        collect();
      } catch (error) {
        stop.fail(error);
      }
      journal.sync().catch((error: unknown) => stop.fail(error));
    }, options.syncEveryMs ?? 100);

    const signs = readDeathSigns();
    let exit: number | null;
    let releasedPorts: readonly number[] = [];
    let cpuTimeUs: number | undefined;
    let peakBytes = 0;
    let neededBytes = 0;
    let oomKills = 0;
    let teardown: RunOutcome["teardown"];
    try {
      exit = await runAttempt({
        options,
        prepared,
        state,
        journal,
        cgroup,
        stop,
        number,
        marker,
        peakBytes: () => gauge.peakBytes(),
        ledger: () => {
          collect();
          return prepared.book.ledger();
        },
        ranOut: () => ranOut(signs, readDeathSigns()),
      });
    } catch (error) {
      // Whatever else was to be started is not, and what is ended from here on has no result.
      stop.fail(error);
      noteFailure(journal);
      throw error;
    } finally {
      watch.stop();
      await pace.release();
      clearInterval(syncing);
      releasedPorts = portsOf(marker, cgroup?.processes());
      cpuTimeUs = gauge.cpuTimeUs();
      peakBytes = gauge.peakBytes();
      neededBytes = gauge.neededBytes();
      oomKills = cgroup?.gauge.oomKills() ?? 0;
      gauge.close();
      teardown = await tearDown(
        { run: marker, cgroup, leaders: stop.leaders },
        { containers: options.containers !== false },
      );
      isTornDown = true;
      stop.close();
    }
    collect();
    // Others may fill a bound faster than anybody can look: what the kernel ended then goes on like what the guard stopped.
    // Where a framework lost but a worker (its exit code is a failure like any other) a file is left open.
    const didRunOut = ranOut(signs, readDeathSigns());
    const hasLost = cgroup === undefined ? didRunOut : oomKills > 0;
    const isCutShort = (exit === null && didRunOut) || (exit !== 0 && hasLost && open.size > 0);
    if (stop.why === undefined && prepared.attempt.isHopeless !== true && isCutShort)
      stop.kill("protected", "the kernel ended it for memory", "kill");
    const why = stop.why ?? "finished";
    journal.append({
      kind: "stop",
      why,
      ...(stop.level === undefined ? {} : { level: stop.level }),
      ...(why === "protected" && crowded !== undefined ? { crowded } : {}),
      exit,
      peakBytes,
      at: new Date().toISOString(),
    });
    collect();
    await journal.sync();
    const ledger = prepared.book.ledger();
    const verdict = judge(stop, exit, ledger, prepared);
    noteLastRun(state.last, { tests: stop.why === undefined ? ledger.tests.size : 0, peakBytes: neededBytes });
    return {
      ...verdict,
      exitCode: exitCodes[exitOf[verdict.kind]].code,
      run,
      framework: prepared.detected.adapter.name,
      ledger,
      tookMs: performance.now() - startedAt,
      peakBytes,
      peaks,
      cpuTimeUs,
      teardown,
      releasedPorts,
    };
  }
}

function prepareOrLeave(options: RunOptions, state: StateDirectory, cores: number): Prepared {
  try {
    return prepareRun(options, state, cores);
  } catch (error) {
    release(state);
    const { code } = error as NodeJS.ErrnoException;
    // The plan of what to pass over is written before the journal is: a full disk shows here first.
    throw code === "ENOSPC" || code === "EROFS" || code === "EDQUOT" ? unusable(state.path, error) : error;
  }
}

/** An attempt that could not go on (a framework that is not installed) has not died: the next one has as many jobs. */
function noteFailure(journal: JournalFile): void {
  try {
    journal.append({ kind: "stop", why: "finished", exit: null, peakBytes: 0, at: new Date().toISOString() });
  } catch {
    // It may be the journal that failed.
  }
}

/** A v2 group may be made where the kernel does not count memory for it. */
function whyMemoryIsUnknown(group: RunGroup): string | undefined {
  if (group.kind === "ungrouped") return group.reason;
  return group.cgroup.gauge.memoryCurrentBytes() === undefined ? "memory is not counted for its group" : undefined;
}

const exitOf: Record<RunOutcome["kind"], ExitCodeName> = {
  passed: "ok",
  failed: "failed",
  protected: "protected",
  timeout: "timeout",
  interrupted: "interrupted",
};

function judge(
  stop: StopSignal,
  exit: number | null,
  ledger: Ledger,
  { detected: { adapter }, attempt }: Prepared,
): Pick<RunOutcome, "kind" | "reason"> {
  if (stop.failure !== undefined) throw stop.failure;
  if (stop.why !== undefined) return { kind: stop.why, reason: stop.reason };
  if (attempt.isHopeless === true) return { kind: "failed", reason: attempt.note };
  const failed = [...ledger.tests.values()].filter(({ status }) => status === "failed").length;
  if (failed > 0) return { kind: "failed", reason: `${failed} test(s) failed` };
  const [unfit] = ledger.unfit.values();
  if (unfit !== undefined) {
    const others = ledger.unfit.size === 1 ? "" : `, and ${ledger.unfit.size - 1} more`;
    return { kind: "failed", reason: `${unfit.file} ${unfitWords(unfit.cause ?? "memory")}${others}` };
  }
  if (ledger.troubles.length > 0)
    return { kind: "failed", reason: `something outside the tests failed: ${ledger.troubles[0]?.title ?? ""}` };
  if (
    exit !== 0 &&
    !(adapter.shape === "whole" && exit !== null && adapter.nothingToRun.includes(exit) && ledger.tests.size > 0)
  )
    return { kind: "failed", reason: `no test failed, but ${adapter.name} ended with ${exit ?? "a signal"}` };
  return { kind: "passed", reason: `${ledger.tests.size} test(s)` };
}

/** Ports that the run's own processes listen on, known by their marker. */
function portsOf(run: string, pids: readonly number[] | undefined): number[] {
  if (process.platform !== "linux") return [];
  const listeners = listListeners({ markerName, ...(pids === undefined ? {} : { pids }) });
  const own = listeners.filter(({ owners }) => owners.some(({ marker }) => marker === run));
  return [...new Set(own.map(({ port }) => port))].sort((a, b) => a - b);
}
