import * as z from "zod";
import { parseBitrate } from "../units/bitrate.ts";
import { parseBytes } from "../units/bytes.ts";
import { human } from "./human.ts";

const size = human(z.union([z.string(), z.number().int().nonnegative()]), parseBytes);
// The kernel counts in pages and blocks: a bound below one is none, and a disk quota of nothing is no quota.
const boundedSize = size.refine((bytes) => bytes >= 4096, "must be at least 4096 bytes");
/** What starting a program takes by itself is counted to it: half of this with the smallest one, more where there are many processors. */
const smallestMemoryBytes = 1_000_000;
const memorySize = size.refine(
  (bytes) => bytes >= smallestMemoryBytes,
  "must be at least 1 MB: the start of the smallest program takes half of it",
);
const byteRate = human(z.string(), (text) => Math.max(1, Math.round(parseBitrate(text) / 8)));
const bitrate = human(z.string(), parseBitrate);

const networkInput = z.union([bitrate, z.strictObject({ in: bitrate.optional(), out: bitrate.optional() })]);

const ioInput = z.strictObject({
  /** Bytes per second, `"20MB/s"`. */
  read: byteRate.optional(),
  write: byteRate.optional(),
  readOps: z.number().int().positive().optional(),
  writeOps: z.number().int().positive().optional(),
});

/** `resources` of an app, as the user writes it. */
export const resourcesSchema = z
  .strictObject({
    /** Cores, 0.5 is half of one; a hard quota. */
    cpu: z.number().min(0.001).max(4096).optional(),
    /** Share under contention, 1 to 10000. @default 100 (cgroup v2 `cpu.weight`) */
    cpuWeight: z.number().int().min(1).max(10_000).optional(),
    /** Hard limit; exceeding it ends the instance with reason `oom`. */
    memory: memorySize.optional(),
    /** Processes and threads together. @default 4096, where the machine can bound them */
    pids: z.union([z.literal("unlimited"), z.number().int().min(1).max(4_194_304)]).optional(),
    /** File descriptors per process (RLIMIT_NOFILE). */
    openFiles: z.number().int().min(16).optional(),
    /** Quota of the private data folder. */
    disk: boundedSize.optional(),
    /** Bandwidth, one figure for both directions or `{in, out}`. */
    network: networkInput.optional(),
    /** Rate of the disk that holds the data folder. */
    io: ioInput.optional(),
    /** True: a limit that this machine cannot enforce is reported instead of refused. @default false */
    bestEffort: z.boolean().optional(),
  })
  .transform((input): Resources => {
    const network = typeof input.network === "number" ? { in: input.network, out: input.network } : input.network;
    return {
      cpuCores: input.cpu ?? null,
      cpuWeight: input.cpuWeight ?? null,
      memoryBytes: input.memory ?? null,
      pids: input.pids ?? null,
      openFiles: input.openFiles ?? null,
      diskBytes: input.disk ?? null,
      networkInBitsPerSecond: network?.in ?? null,
      networkOutBitsPerSecond: network?.out ?? null,
      ioReadBytesPerSecond: input.io?.read ?? null,
      ioWriteBytesPerSecond: input.io?.write ?? null,
      ioReadOpsPerSecond: input.io?.readOps ?? null,
      ioWriteOpsPerSecond: input.io?.writeOps ?? null,
      bestEffort: input.bestEffort ?? false,
    };
  });

/** Processes and threads of an instance that names no bound: more than servers need, fewer than harm a machine. */
export const defaultPids = 4096;

/** Limits of one instance; `null` is "no limit". */
export interface Resources {
  readonly cpuCores: number | null;
  readonly cpuWeight: number | null;
  readonly memoryBytes: number | null;
  /** `null`: {@link defaultPids}, where the machine can bound them. */
  readonly pids: number | "unlimited" | null;
  readonly openFiles: number | null;
  readonly diskBytes: number | null;
  readonly networkInBitsPerSecond: number | null;
  readonly networkOutBitsPerSecond: number | null;
  readonly ioReadBytesPerSecond: number | null;
  readonly ioWriteBytesPerSecond: number | null;
  readonly ioReadOpsPerSecond: number | null;
  readonly ioWriteOpsPerSecond: number | null;
  readonly bestEffort: boolean;
}

/** What applies when the spec says nothing about resources. */
export const noLimits: Resources = {
  cpuCores: null,
  cpuWeight: null,
  memoryBytes: null,
  pids: null,
  openFiles: null,
  diskBytes: null,
  networkInBitsPerSecond: null,
  networkOutBitsPerSecond: null,
  ioReadBytesPerSecond: null,
  ioWriteBytesPerSecond: null,
  ioReadOpsPerSecond: null,
  ioWriteOpsPerSecond: null,
  bestEffort: false,
};
