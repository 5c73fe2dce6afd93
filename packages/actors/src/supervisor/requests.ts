import { exit } from "../vocabulary/exit-reason.ts";
import { childrenOf } from "../life/killing.ts";
import type { ChildCounts, ChildInfo, ChildOutcome, StartChildOutcome, SupervisorRequest } from "./call.ts";
import { ChildPlan, recordOf, SupervisedChild } from "./child.ts";
import type { ChildSpec } from "./child-spec.ts";
import { report } from "./reporting.ts";
import { forget, putDown, startChild } from "./starting-children.ts";
import type { SupervisorState } from "./supervisor-state.ts";
import type { Task } from "./task.ts";
import { terminate } from "./terminating.ts";
import { checkChild } from "./validate.ts";

/** Does what was asked and gives the answer. @throws SupervisorSpecError for a child spec that cannot be. */
export function* serve(state: SupervisorState, request: SupervisorRequest): Task<unknown> {
  switch (request.kind) {
    case "start-child":
      return yield* startNew(state, request.spec);
    case "start-dynamic-child":
      return yield* startDynamic(state, request.args);
    case "terminate-child":
      return yield* terminateById(state, request.id);
    case "terminate-dynamic-child":
      return yield* terminateByCell(state, recordOf(request.cell));
    case "restart-child":
      return yield* restartById(state, request.id);
    case "delete-child":
      return deleteById(state, request.id);
    case "get-child-spec":
      return find(state, request.id)?.plan.spec;
    case "which-children":
      return whichChildren(state);
    case "count-children":
      return countChildren(state);
  }
}

function* startNew(state: SupervisorState, spec: ChildSpec): Task<StartChildOutcome<never>> {
  const { family } = state;
  checkChild(spec, state.autoShutdown);
  if (family.kind === "dynamic") throw new TypeError("Cannot start a child from a spec: this supervisor is dynamic");
  const present = family.children.get(spec.id);
  if (present !== undefined)
    return present.cell === null ? { kind: "already_present" } : { kind: "already_started", ref: present.cell };
  const child = new SupervisedChild(new ChildPlan(spec), spec.args);
  const outcome = yield* startChild(state, child, null);
  if (outcome.kind === "failed") {
    report(state, "start-error", child, outcome.reason);
    return outcome;
  }
  if (outcome.kind === "started" || child.plan.restart !== "temporary") family.children.set(spec.id, child);
  return outcome.kind === "started" ? { kind: "started", ref: outcome.cell } : outcome;
}

function* startDynamic(state: SupervisorState, args: unknown): Task<StartChildOutcome<never>> {
  const { family } = state;
  if (family.kind !== "dynamic")
    throw new TypeError("Cannot start a child from args: this supervisor has a list of specs");
  const child = new SupervisedChild(family.plan, args);
  const outcome = yield* startChild(state, child, null);
  if (outcome.kind !== "started") return outcome;
  family.running += 1;
  return { kind: "started", ref: outcome.cell };
}

function* terminateById(state: SupervisorState, id: string): Task<ChildOutcome> {
  const child = find(state, id);
  if (child === undefined) return { kind: "not_found" };
  yield* terminate(state, child);
  putDown(state, child);
  return { kind: "ok" };
}

function* terminateByCell(state: SupervisorState, child: SupervisedChild | null): Task<ChildOutcome> {
  const { family } = state;
  if (family.kind !== "dynamic" || child === null || child.plan !== family.plan) return { kind: "not_found" };
  // As OTP: an actor that has ended meanwhile counts as terminated.
  if (child.phase === "running") {
    yield* terminate(state, child);
    family.running -= 1;
  }
  putDown(state, child);
  return { kind: "ok" };
}

function* restartById(state: SupervisorState, id: string): Task<StartChildOutcome<never>> {
  const child = find(state, id);
  if (child === undefined) return { kind: "not_found" };
  if (child.phase === "restarting") return { kind: "restarting" };
  if (child.cell !== null) return { kind: "running" };
  const outcome = yield* startChild(state, child, child.crashes?.reason ?? exit.shutdown);
  return outcome.kind === "started" ? { kind: "started", ref: outcome.cell } : outcome;
}

function deleteById(state: SupervisorState, id: string): ChildOutcome {
  const child = find(state, id);
  if (child === undefined) return { kind: "not_found" };
  if (child.phase === "restarting") return { kind: "restarting" };
  if (child.cell !== null) return { kind: "running" };
  forget(state, child);
  return { kind: "ok" };
}

function whichChildren(state: SupervisorState): ChildInfo[] {
  if (state.family.kind === "list") return [...state.family.children.values()].map(describe);
  const running = childrenOf(state.cell)
    .toReversed()
    .flatMap((cell) => recordOf(cell) ?? []);
  return [...running, ...state.family.waiting].map(describe);
}

function describe(child: SupervisedChild): ChildInfo {
  const { plan, cell, phase } = child;
  return {
    id: plan.id,
    type: plan.isSupervisor ? "supervisor" : "worker",
    state: cell !== null ? { kind: "running", ref: cell } : { kind: phase === "restarting" ? "restarting" : "stopped" },
  };
}

function countChildren(state: SupervisorState): ChildCounts {
  const { family } = state;
  if (family.kind === "dynamic") {
    const all = family.running + family.waiting.size;
    const { isSupervisor } = family.plan;
    return {
      specs: 1,
      active: family.running,
      supervisors: isSupervisor ? all : 0,
      workers: isSupervisor ? 0 : all,
    };
  }
  const children = [...family.children.values()];
  const supervisors = children.filter((child) => child.plan.isSupervisor).length;
  return {
    specs: children.length,
    active: children.filter((child) => child.cell !== null).length,
    supervisors,
    workers: children.length - supervisors,
  };
}

function find(state: SupervisorState, id: string): SupervisedChild | undefined {
  return state.family.kind === "list" ? state.family.children.get(id) : undefined;
}
