/** Descriptors that a worker process inherits. */
export const processDescriptors = {
  /** A Unix socket: frames both ways. */
  channel: 3,
  /** A nameless file of four bytes: the last task that began. */
  started: 4,
} as const;
