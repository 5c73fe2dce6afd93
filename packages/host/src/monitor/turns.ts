/** Which tables one look reads; CPU time and memory in use are read in every one. */
export interface Turn {
  readonly threads: boolean;
  readonly resident: boolean;
  readonly tasks: boolean;
  readonly oom: boolean;
  readonly peak: boolean;
  readonly io: boolean;
  readonly fds: boolean;
}

const nothing: Turn = { threads: false, resident: false, tasks: false, oom: false, peak: false, io: false, fds: false };
/** All tables. */
export const everything: Turn = {
  threads: true,
  resident: true,
  tasks: true,
  oom: true,
  peak: true,
  io: true,
  fds: true,
};
/** Every second look tells I/O and network, the others tasks and resident memory; what changes seldom comes each fourth or eighth. */
export const turns: readonly Turn[] = [
  { ...nothing, resident: true, tasks: true, threads: true },
  { ...nothing, io: true, peak: true },
  { ...nothing, resident: true, tasks: true, oom: true },
  { ...nothing, io: true },
  { ...nothing, resident: true, tasks: true, fds: true },
  { ...nothing, io: true, peak: true },
  { ...nothing, resident: true, tasks: true, oom: true },
  { ...nothing, io: true },
];

/** A folder's use changes slowly and costs a path walk: look once in this many samples. */
export const samplesPerDataLook = 10;
