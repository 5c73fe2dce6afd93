/** Makes files that nobody else can read from their first moment on. Instances must not inherit such a mask, so it is put back. */
export function privately<T>(open: () => T): T {
  const before = process.umask(0o077);
  try {
    return open();
  } finally {
    process.umask(before);
  }
}
