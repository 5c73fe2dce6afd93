/** The desired state in the engine: apps, revisions, allocations and runs as typed, versioned records. */
export { Edit } from "./edit.ts";
export { stateFailure } from "./failure.ts";
export { formatKey, type RecordKey } from "./keys.ts";
export { Mirror, type Versioned } from "./mirror.ts";
export type { AllocationRecord, AppRecord, NodeRecord, RecordOf, RevisionRecord, RunRecord } from "./records.ts";
export { Repository } from "./repository.ts";
