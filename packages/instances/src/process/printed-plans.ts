import {
  buildAssignPlan,
  buildPlan,
  buildSlotPlan,
  type HostFacts,
  type LaunchRequest,
  printPlan,
} from "../launch/index.ts";
import { buildBeginPlan, buildStandbyPlan, openTree } from "../launch/standby/standby-plan.ts";
import type { RunRecord } from "./run-record.ts";

/** What was done to start a run, for people: one plan, or that of what waited for it and what came later. */
export function printedPlans({ launch, slot, standby }: RunRecord, host: HostFacts): string {
  if (standby !== undefined) return printedStandby(standby, launch, host);
  if (slot === undefined || launch.user.kind === "same") return printPlan(buildPlan(launch, host));
  const { user, log, ...rest } = launch;
  const assignment = { ...rest, user, ...(log === null ? {} : { log }) };
  const plans = [buildSlotPlan(slot, host), buildAssignPlan(slot, assignment, host)];
  return plans.map(printPlan).join("\n");
}

/** Its program was executed ahead. */
function printedStandby(standby: LaunchRequest, launch: LaunchRequest, host: HostFacts): string {
  const begin = buildBeginPlan({ request: standby, tree: openTree(standby, host) }, launch, "");
  return [buildStandbyPlan(standby, host), begin].map(printPlan).join("\n");
}
