import type { LaunchPlan, Step } from "./plan.ts";

/** Who does a step: the process changes along the plan. */
export type Actor = "supervisor" | "inside" | "main";

/**
 * The plan for people: one line per step with its number, who does it and what it does.
 * Environment values are left out, since they may be secrets.
 */
export function printPlan(plan: LaunchPlan): string {
  const actors = actorsOf(plan.steps);
  const lines = plan.steps.map((step, index) => {
    const number = String(index).padStart(3);
    return `${number}  ${(actors[index] ?? "main").padEnd(10)}  ${step.says}${step.mayFail ? " (if possible)" : ""}`;
  });
  return `launch of ${plan.name}: ${plan.steps.length} steps\n${lines.join("\n")}\n`;
}

/** Who does each step of a plan. */
export function actorsOf(steps: readonly Step[]): readonly Actor[] {
  let actor: Actor = "supervisor";
  let parentSteps = 0;
  return steps.map((step) => {
    if (parentSteps > 0) {
      parentSteps -= 1;
      return "supervisor";
    }
    const here = actor;
    if (step.name === "CLONE") {
      actor = "inside";
      parentSteps = Number(step.args[2]);
    }
    if (step.name === "INIT" || step.name === "HAND_OVER") actor = "main";
    return here;
  });
}
