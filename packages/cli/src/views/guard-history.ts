import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatBytes, formatDuration } from "@constellation/contract";
import {
  addUp,
  type HistoryEntry,
  readHolder,
  readJournal,
  type StateDirectory,
  summarize,
  unfitWords,
} from "@constellation/guard";
import { isProcessAlive } from "@constellation/host";
import { openHistory } from "../guard/history.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { table } from "../terminal/table.ts";

/** What the journal holds: the last run, finished or not. */
export function statusLines({ journal, path }: StateDirectory, { style }: Terminal): string[] {
  const content = readJournal(journal);
  if (content.kind === "absent") return ["No guarded run has been here."];
  if (content.kind === "corrupt")
    return [
      style(
        "bad",
        `The journal ${journal} is corrupt at line ${content.line}: ${content.reason}. The next run runs all tests.`,
      ),
    ];
  const ledger = addUp(content.records);
  const { passed, failed, skipped, attempts } = summarize({ ledger, peaks: new Map() });
  const stop = ledger.attempts.at(-1)?.stop;
  const guard = readHolder(path)?.guard;
  const isRunning = guard !== undefined && isProcessAlive(guard);
  const state = isRunning
    ? `running, guarded by pid ${guard.pid}`
    : stop === undefined
      ? "killed; go on with `constellation test --resume`"
      : stop.why;
  return [
    `${ledger.run.framework} run ${ledger.run.run.slice(0, 8)} of ${ledger.run.at}: ${state}`,
    `${passed} passed, ${failed} failed, ${skipped} skipped in ${attempts} attempt(s)`,
    ...[...ledger.unfit.values()].map(({ file, cause = "memory" }) => `${file} ${unfitWords(cause)}`),
  ];
}

/** Earlier runs of this project, newest last. */
export async function historyLines({ path }: StateDirectory, { width, style }: Terminal): Promise<string[]> {
  const file = join(path, "history.db");
  if (!existsSync(file)) return ["No guarded run has been here."];
  const history = openHistory(file);
  const entries = await history.last(50);
  await history.close();
  const columns = [
    { title: "AT", cell: ({ atMs }: HistoryEntry) => new Date(atMs).toISOString().slice(0, 19).replace("T", " ") },
    { title: "FRAMEWORK", cell: ({ framework }: HistoryEntry) => framework },
    { title: "OUTCOME", cell: ({ kind }: HistoryEntry) => kind },
    { title: "PASSED", cell: ({ passed }: HistoryEntry) => String(passed) },
    { title: "FAILED", cell: ({ failed }: HistoryEntry) => String(failed) },
    { title: "ATTEMPT", cell: ({ attempts }: HistoryEntry) => String(attempts) },
    { title: "TOOK", cell: ({ tookMs }: HistoryEntry) => formatDuration(tookMs) },
    { title: "PEAK", cell: ({ peakBytes }: HistoryEntry) => (peakBytes > 0 ? formatBytes(peakBytes) : "-") },
    { title: "WHY", cell: ({ reason }: HistoryEntry) => reason, shrinkTo: 20 },
  ];
  return table(columns, entries, width(), (text) => style("dim", text));
}
