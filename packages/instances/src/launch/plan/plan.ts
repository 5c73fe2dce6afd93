import type { StepName } from "./step-kinds.ts";

/** Where a text ends up in the encoded plan: the offset of its character number `at`. */
export interface TextOffset {
  readonly text: string;
  readonly at: number;
}

/** One argument of a step, in the form its kind asks for (see stepKinds). */
export type Argument = number | bigint | string | null | Uint8Array | readonly string[] | TextOffset;

/** One step of a launch: what the launcher does, and how a person reads it. */
export interface Step {
  readonly name: StepName;
  readonly args: readonly Argument[];
  /** For people: "mount proc on /proc". Appears in printed plans and in errors. */
  readonly says: string;
  /** The launch goes on when this step fails. */
  readonly mayFail: boolean;
}

/** A launch as data: what will be done, in order, before a program runs. */
export interface LaunchPlan {
  /** The instance's name for messages: "web.2". */
  readonly name: string;
  readonly steps: readonly Step[];
}
