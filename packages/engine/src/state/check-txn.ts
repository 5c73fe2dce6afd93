import { copied } from "../copied.ts";
import { EngineError } from "../error.ts";
import { checkKey } from "./key.ts";
import { stateLimits } from "./limits.ts";
import type { Expectation, Txn, Write } from "./store.ts";

/** A transaction whose form is right; `leaseId` and `token` are taken out of their objects. */
export interface CheckedTxn {
  readonly expect: readonly Expectation[];
  readonly put: readonly Write[];
  readonly del: readonly string[];
  readonly leaseId: string | undefined;
  readonly token: string;
}

const opened = `${process.pid.toString(36)}-${Math.random().toString(36).slice(2, 12)}`;
let count = 0;

function freshToken(): string {
  count += 1;
  return `${opened}-${count.toString(36)}`;
}

/** Copies what the caller could still change and checks all limits. @throws EngineError `bad-key`, `too-large`; RangeError for a bad revision */
export function checkTxn(txn: Txn): CheckedTxn {
  const expect = txn.expect ?? [];
  const put = txn.put ?? [];
  const del = txn.del ?? [];
  for (const { key, rev } of expect) {
    checkKey(key);
    if (!Number.isSafeInteger(rev) || rev < 0) {
      throw new RangeError(
        `Cannot expect revision ${String(rev)} of ${key}: pass a revision that was read, or 0 for "absent"`,
      );
    }
  }
  const written = [...put.map((write) => write.key), ...del];
  checkCount(written.length);
  for (const key of written) checkKey(key);
  checkOnce(written);
  checkCount(expect.length);
  checkOnce(expect.map((expectation) => expectation.key));
  return {
    expect,
    put: checkedWrites(put),
    del,
    leaseId: txn.lease?.id,
    token: checkedToken(txn.token ?? freshToken()),
  };
}

function checkCount(keys: number): void {
  if (keys <= stateLimits.txnKeys) return;
  throw new EngineError(
    "too-large",
    `Cannot apply a transaction of ${keys} keys: at most ${stateLimits.txnKeys}; split it`,
  );
}

function checkOnce(keys: readonly string[]): void {
  if (keys.length < 2) return;
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) {
      throw new EngineError(
        "bad-key",
        `Cannot apply the transaction: key "${key}" occurs twice; each key may occur once`,
      );
    }
    seen.add(key);
  }
}

function checkedWrites(put: readonly Write[]): readonly Write[] {
  let bytes = 0;
  return put.map(({ key, value }) => {
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(`Cannot write ${key}: the value must be a Uint8Array, got ${typeof value}`);
    }
    bytes += value.byteLength;
    if (value.byteLength > stateLimits.valueBytes) {
      throw new EngineError(
        "too-large",
        `Cannot write ${key}: ${value.byteLength} bytes exceed ${stateLimits.valueBytes}; store a blob and keep its hash`,
      );
    }
    if (bytes > stateLimits.txnBytes) {
      throw new EngineError(
        "too-large",
        `Cannot apply the transaction: its values exceed ${stateLimits.txnBytes} bytes in all; split it`,
      );
    }
    return { key, value: copied(value) };
  });
}

function checkedToken(token: string): string {
  if (typeof token !== "string" || token.length === 0 || token.length > stateLimits.tokenChars) {
    throw new EngineError(
      "bad-key",
      `Cannot use transaction token ${JSON.stringify(token)}: it must be 1 to ${stateLimits.tokenChars} characters`,
    );
  }
  return token;
}
