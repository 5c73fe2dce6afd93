/** Self-protecting runs of other people's test suites: guard, journal, resume, teardown. */
export { type JournalContent, parseJournal, readJournal } from "./journal/read.ts";
export { addUp, type Ledger, testKey } from "./journal/ledger.ts";
export type { JournalRecord, TestRecord, TestStatus } from "./journal/record.ts";
export { calm, decide, type GuardSample, type Level, type PolicyState } from "./policy/level.ts";
export { defaultPolicy, policyFor, type PolicySettings } from "./policy/settings.ts";
export { runGuarded } from "./run/run.ts";
export type { RunOptions } from "./run/options.ts";
export type { RunEvent, RunOutcome } from "./run/outcome.ts";
export { openStateDirectory, placesIn, type StateDirectory } from "./run/state-directory.ts";
export { detectFramework, type Detected } from "./adapters/detect.ts";
export { markerName, runLabel } from "./run/marker.ts";
export { tearDown, type TeardownReport } from "./teardown/teardown.ts";
export {
  configFiles,
  type GuardConfig,
  loadGuardConfig,
  parseGuardConfig,
  parseThreshold,
  type Threshold,
} from "./config/config.ts";
export { summarize, type Summary, testName } from "./report/summary.ts";
export { junitXml } from "./report/junit.ts";
export { githubAnnotations } from "./report/github.ts";
export { outcomeJson } from "./report/json.ts";
export { type HistoryEntry, readHistory, recordHistory } from "./history/history.ts";
export { freePort, type FreeOutcome, listPorts, type UsedPort } from "./ports/free-port.ts";
