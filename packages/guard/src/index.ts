/** Self-protecting runs of other people's test suites: guard, journal, resume, teardown. */
export { type JournalContent, parseJournal, readJournal } from "./journal/read.ts";
export { addUp, type Ledger, testKey } from "./journal/ledger.ts";
export type { JournalRecord, TestRecord, TestStatus } from "./journal/record.ts";
export { calm, decide, type GuardSample, type Level, type PolicyState } from "./policy/level.ts";
export { defaultPolicy, policyFor, type PolicySettings } from "./policy/settings.ts";
export { runGuarded } from "./run/run.ts";
export { outputHandedOver } from "./run/unit-output.ts";
export { readDeathSigns } from "./journal/death-signs.ts";
export { unfitWords } from "./journal/unfit.ts";
export type { RunOptions } from "./run/options.ts";
export type { RunEvent, RunOutcome } from "./run/outcome.ts";
export { type Holder, openStateDirectory, placesIn, readHolder, type StateDirectory } from "./run/state-directory.ts";
export { detectFramework, type Detected } from "./adapters/detect.ts";
export { markerName, runLabel } from "./run/marker.ts";
export { tearDown, type TeardownReport } from "./teardown/teardown.ts";
export { configFiles, globalConfigFolder, layered, loadGlobalConfig, loadGuardConfig } from "./config/load.ts";
export type { GlobalConfig, GuardConfig } from "./config/schema.ts";
export { parseThreshold, type Threshold } from "./config/threshold.ts";
export { summarize, type Summary, testName } from "./report/summary.ts";
export { junitXml } from "./report/junit.ts";
export { githubAnnotations } from "./report/github.ts";
export { outcomeJson } from "./report/json.ts";
export { type HistoryEntry, historyEntry, type HistoryStore } from "./history/history.ts";
export { freePort, type FreeOutcome, listPorts, type UsedPort } from "./ports/free-port.ts";
export {
  type Coordination,
  coordinate,
  type CoordinationSettings,
  defaultCoordination,
  type SharedMemory,
} from "./coordination/coordinate.ts";
export { after, emptyFleet, type Fleet, type FleetEvent, type FleetRun } from "./coordination/fleet.ts";
export {
  defaultPortRange,
  type PortBook,
  type PortRange,
  keepPorts,
  promisePorts,
  rangeOfUser,
  returnPorts,
} from "./coordination/ports.ts";
export { onLines } from "./lease/lines.ts";
export { listRuns } from "./lease/list-runs.ts";
export { type CoordinationOptions, runCoordinated } from "./run/coordinated.ts";
export { clearOrphanPorts, orphanPorts, type OrphanPort } from "./ports/orphans.ts";
export { reapRun } from "./teardown/reap.ts";
