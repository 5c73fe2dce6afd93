/** Which tables one look reads; CPU time and memory in use are read in every one. */
export interface Turn {
  readonly stat: boolean;
  readonly resident: boolean;
  readonly tasks: boolean;
  readonly oom: boolean;
  readonly peak: boolean;
  readonly io: boolean;
  readonly fds: boolean;
}

const nothing: Turn = { stat: false, resident: false, tasks: false, oom: false, peak: false, io: false, fds: false };
/** All tables. */
export const everything: Turn = { stat: true, resident: true, tasks: true, oom: true, peak: true, io: true, fds: true };
/** Every second look tells I/O and network, the others tasks, resident memory and OOM kills; the slow rest each fourth. */
export const turns: readonly Turn[] = [
  { ...nothing, resident: true, stat: true, tasks: true, oom: true },
  { ...nothing, io: true, peak: true },
  { ...nothing, resident: true, tasks: true, oom: true },
  { ...nothing, io: true, fds: true },
];

/** A folder's use changes slowly and costs a path walk: look once in this many samples. */
export const samplesPerDataLook = 10;
