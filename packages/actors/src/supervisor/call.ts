import type { Cell } from "../cell/cell.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import type { ExitReason } from "../vocabulary/exit-reason.ts";
import type { ChildSpec } from "./child-spec.ts";

/** What became of `startChild` or `restartChild`. "No" is an answer, not an error. */
export type StartChildOutcome<Message> =
  | { readonly kind: "started"; readonly ref: ActorRef<Message> }
  /** Its `onStart` said `ignore`. */
  | { readonly kind: "ignored" }
  | { readonly kind: "failed"; readonly reason: ExitReason }
  /** A child with this id is there, and runs. */
  | { readonly kind: "already_started"; readonly ref: ActorRef<never> }
  /** A child with this id is there, and does not run. */
  | { readonly kind: "already_present" }
  | ChildRefusal;

/** Why a supervisor does not touch a child. */
export type ChildRefusal =
  | { readonly kind: "not_found" }
  | { readonly kind: "running" }
  | { readonly kind: "restarting" };

/** What became of `terminateChild` or `deleteChild`. */
export type ChildOutcome = { readonly kind: "ok" } | ChildRefusal;

/** One child as `whichChildren` shows it. */
export interface ChildInfo {
  /** Null under a dynamic supervisor. */
  readonly id: string | null;
  readonly type: "worker" | "supervisor";
  readonly state:
    | { readonly kind: "running"; readonly ref: ActorRef<never> }
    | { readonly kind: "restarting" }
    | { readonly kind: "stopped" };
}

/** What `countChildren` counts; `active` run, the others are specs. */
export interface ChildCounts {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** What a supervisor can be asked. */
export type SupervisorRequest =
  | { readonly kind: "start-child"; readonly spec: ChildSpec }
  | { readonly kind: "start-dynamic-child"; readonly args: unknown }
  | { readonly kind: "terminate-child"; readonly id: string }
  | { readonly kind: "terminate-dynamic-child"; readonly cell: Cell }
  | { readonly kind: "restart-child"; readonly id: string }
  | { readonly kind: "delete-child"; readonly id: string }
  | { readonly kind: "get-child-spec"; readonly id: string }
  | { readonly kind: "which-children" }
  | { readonly kind: "count-children" };

/** A request on its way, and who waits for the answer. */
export class SupervisorCall {
  readonly request: SupervisorRequest;
  readonly answer: (value: unknown) => void;
  readonly fail: (error: unknown) => void;
  readonly #address: string;

  constructor(
    request: SupervisorRequest,
    address: string,
    answer: (value: unknown) => void,
    fail: (error: unknown) => void,
  ) {
    this.request = request;
    this.#address = address;
    this.answer = answer;
    this.fail = fail;
  }

  /** The supervisor ends before it could answer. */
  refuse(): void {
    this.fail(new Error(`Cannot ${this.request.kind.replaceAll("-", " ")}: supervisor ${this.#address} has ended`));
  }
}
