/** Linux numbers that plans use; the same on x86-64 and arm64 (open flags that differ are left out). */
export const cloneFlags = {
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
} as const;

export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  recursive: 16384,
  private: 1 << 18,
} as const;

export const mountAttributes = { readOnly: 1, noSuid: 2, noDev: 4, noExec: 8 } as const;

export const openFlags = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  create: 0o100,
  exclusive: 0o200,
  append: 0o2000,
} as const;

export const resources = {
  fileBytes: 1,
  stackBytes: 3,
  coreBytes: 4,
  processes: 6,
  openFiles: 7,
  lockedMemoryBytes: 8,
  addressSpaceBytes: 9,
} as const;

/** What a process can be kept to its own of (landlock(7), LANDLOCK_SCOPE_*). */
export const scopes = { abstractSockets: 1, signals: 2 } as const;

/** File type bit of a character device in a mode. */
export const CHARACTER_DEVICE = 0o020000;
