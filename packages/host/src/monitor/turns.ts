/** Which tables one look reads; CPU time and memory in use are read in every one. */
export interface Turn {
  readonly threads: boolean;
  readonly resident: boolean;
  readonly tasks: boolean;
  readonly oom: boolean;
  readonly peak: boolean;
  /** What the main process itself read and wrote. */
  readonly ownIo: boolean;
  /** What the group's devices and the network counted. */
  readonly devices: boolean;
  readonly fds: boolean;
}

const nothing: Turn = {
  threads: false,
  resident: false,
  tasks: false,
  oom: false,
  peak: false,
  ownIo: false,
  devices: false,
  fds: false,
};
/** All tables. */
export const everything: Turn = {
  threads: true,
  resident: true,
  tasks: true,
  oom: true,
  peak: true,
  ownIo: true,
  devices: true,
  fds: true,
};
/** What a record of long spans needs. */
export const usage: Turn = { ...nothing, oom: true };
/** One look in four tells what was read, written, sent and received, each of the others little beside: they cost alike. */
const round: readonly Turn[] = [
  { ...nothing, resident: true, threads: true },
  { ...nothing, ownIo: true, devices: true },
  { ...nothing, tasks: true, oom: true },
  { ...nothing, fds: true },
  { ...nothing, resident: true, peak: true },
  { ...nothing, ownIo: true, devices: true },
  { ...nothing, tasks: true },
  nothing,
];
/** What changes although nothing of a group runs: its writes reach the disk, packets come in. */
const roundAtRest = round.map(({ devices }) => ({ ...nothing, devices }));

/** In so many looks at a group at rest one whole round is read all the same, should it have been changed from outside. */
export const looksAtRest = 64;

/**
 * The turn of a look. A group whose CPU time stands still has not run, and threads, descriptors, tasks and what a process
 * itself reads and writes change only by its running; pages that the kernel takes from it show as less memory in use. Once
 * a whole round was read since both last changed, all of it is known.
 *
 * @param atRest looks since CPU time or memory in use last changed, below {@link looksAtRest}
 */
export function turnOf(look: number, atRest: number): Turn {
  return (atRest < round.length ? round : roundAtRest)[look % round.length] as Turn;
}

/** A folder's use changes slowly and costs a path walk: look once in this many samples. */
export const samplesPerDataLook = 10;
