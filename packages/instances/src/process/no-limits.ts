import type { Resources } from "@constellation/contract";

/** Resources of an app that limits nothing. */
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
