// Apart from the schemas: a guarded run needs the number alone, and what parses takes more memory than the guard.
/** Lines between a guarded run and the daemon are JSON, at most this long. */
export const leaseLineBytes = 256 * 1024;
