import { buildAssignPlan, buildPlan, buildSlotPlan, type HostFacts, printPlan } from "../launch/index.ts";
import type { RunRecord } from "./run-record.ts";

/** What was done to start a run, for people: one plan, or that of its slot and what came later. */
export function printedPlans({ launch, slot }: RunRecord, host: HostFacts): string {
  if (slot === undefined || launch.user.kind === "same") return printPlan(buildPlan(launch, host));
  const { user, log, ...rest } = launch;
  const assignment = { ...rest, user, ...(log === null ? {} : { log }) };
  const plans = [buildSlotPlan(slot, host), buildAssignPlan(slot, assignment, host)];
  return plans.map(printPlan).join("\n");
}
