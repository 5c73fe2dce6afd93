/** Time between two measurements that a caller may ask for. */
export const sampleInterval = { leastMs: 100, mostMs: 3_600_000 } as const;
