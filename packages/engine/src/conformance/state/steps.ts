import assert from "node:assert/strict";
import { type EngineErrorCode, isEngineError } from "../../error.ts";
import type { Rev, StateStore } from "../../state/store.ts";
import { utf8 } from "../runner.ts";

/** One put of a transaction. */
export function write(key: string, text: string): { key: string; value: Uint8Array } {
  return { key, value: utf8.of(text) };
}

/** Text and revision of a key; undefined when there is none. */
export async function read(store: StateStore, key: string): Promise<[string | undefined, Rev | undefined]> {
  const item = await store.get(key);
  return [utf8.text(item?.value), item?.rev];
}

/** Holds that a call is refused with this code. */
export async function refused(call: Promise<unknown>, code: EngineErrorCode): Promise<void> {
  await assert.rejects(call, (error: unknown) => isEngineError(error, code), `wanted a refusal with code ${code}`);
}
