import type { LaunchRequest, SlotRequest } from "../launch/index.ts";
import { readJson, writeAtomically } from "./atomic-file.ts";
import { runFiles } from "./folders.ts";

/** What was made ahead for a run that was not known yet. */
export type AheadRecord =
  /** The slot that it was started in. */
  | { readonly slot: SlotRequest }
  /** The launch of the Node that waited for it. */
  | { readonly standby: LaunchRequest };

/** Written while there is time, so that the record of the run need not tell it once more. */
export function writeAheadRecord(folder: string, record: AheadRecord): void {
  writeAtomically(`${folder}/${runFiles.ahead}`, JSON.stringify(record));
}

/** Null for a run for which nothing waited. */
export function readAheadRecord(folder: string): AheadRecord | null {
  return readJson(`${folder}/${runFiles.ahead}`) as AheadRecord | null;
}
