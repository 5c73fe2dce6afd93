import {
  buildAssignPlan,
  buildPlan,
  buildSlotPlan,
  type HostFacts,
  type LaunchRequest,
  printPlan,
} from "../launch/index.ts";
import { buildBeginPlan, buildStandbyPlan, openTree } from "../launch/standby/standby-plan.ts";
import type { AheadRecord } from "./ahead-record.ts";
import type { RunRecord } from "./run-record.ts";

/** What was done to start a run, for people: one plan, or that of what waited for it and what came later. */
export function printedPlans({ launch }: RunRecord, ahead: AheadRecord | null, host: HostFacts): string {
  if (ahead !== null && "standby" in ahead) return printedStandby(ahead.standby, launch, host);
  if (ahead === null || launch.user.kind === "same") return printPlan(buildPlan(launch, host));
  const { user, log, ...rest } = launch;
  const assignment = { ...rest, user, ...(log === null ? {} : { log }) };
  const plans = [buildSlotPlan(ahead.slot, host), buildAssignPlan(ahead.slot, assignment, host)];
  return plans.map(printPlan).join("\n");
}

/** Its program was executed ahead. */
function printedStandby(standby: LaunchRequest, launch: LaunchRequest, host: HostFacts): string {
  const begin = buildBeginPlan({ request: standby, tree: openTree(standby, host) }, launch, "");
  return [buildStandbyPlan(standby, host), begin].map(printPlan).join("\n");
}
