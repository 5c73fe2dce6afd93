/** What every adapter holds to, so that state moves between them; the smallest of etcd, NATS and SQLite, less headroom. */
export const stateLimits = {
  /** Bytes of one value; store bigger things as a blob and keep its hash. */
  valueBytes: 512 * 1024,
  /** Keys written by one transaction (etcd refuses more than 128 operations). */
  txnKeys: 128,
  /** Bytes of all values of one transaction (etcd refuses requests above 1.5 MB). */
  txnBytes: 1024 * 1024,
  /** Characters of a key. */
  keyChars: 512,
  /** Characters of a token. */
  tokenChars: 128,
} as const;
