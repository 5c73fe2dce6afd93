import type { WorkerExit } from "./link.ts";

/** Something that waits for an answer of a worker. */
export interface Pending {
  /** Begins when it arrives, before what waits at the worker, which makes no note of it. */
  readonly beginsAtOnce: boolean;
  /** May take long: nothing is sent ahead to a worker that has one. */
  readonly isSlow: boolean;
  /** Can be sent to another worker when this one has not begun it. */
  readonly canMove: boolean;
  answered(op: number, value: unknown, runUs: number): void;
  /** The worker ended while it ran this; `why` when it did not crash. */
  lost(exit: WorkerExit, why: string): void;
}

/** What has become of something that a worker was sent. */
export type Progress =
  /** Answered, or taken back. */
  | "over"
  /** Behind something that it is at. */
  | "waits"
  | "begun"
  /** It is at nothing that it was sent, and has not begun this either. */
  | "stuck";

/** Stands where something was that has been taken back. */
export const recalled: Pending = {
  beginsAtOnce: false,
  isSlow: false,
  canMove: false,
  answered: () => undefined,
  lost: () => undefined,
};
