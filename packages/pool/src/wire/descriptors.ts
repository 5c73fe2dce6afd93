/** Descriptors that a worker process inherits. */
export const processDescriptors = {
  /** A Unix socket: frames both ways. */
  channel: 3,
  /** A nameless file of two words of 32 bits; see `beginningsAt`. */
  beginnings: 4,
} as const;
