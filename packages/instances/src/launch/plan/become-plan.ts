import type { HostFacts } from "../host-facts.ts";
import { privilegeSteps, seccompSteps } from "../privileges/privilege-steps.ts";
import type { LaunchRequest } from "../request.ts";
import { encodePlan } from "./encode-plan.ts";
import { execStep } from "./exec-step.ts";
import { steps } from "./steps.ts";

/**
 * What is left to do when another program has made the namespaces, as bytes for `launcher become`: an init, no
 * capabilities, no new privileges, the filter, the program.
 */
export function becomePlan(
  request: Pick<LaunchRequest, "identity" | "argv" | "env" | "isolation">,
  host: HostFacts,
): Uint8Array {
  const { identity, isolation } = request;
  return encodePlan({
    name: identity.name,
    steps: [
      ...(isolation.pid ? [steps.init()] : []),
      ...privilegeSteps({ isolation, user: { kind: "same" }, rlimits: {} }),
      ...seccompSteps(request, host.architecture),
      execStep(request),
    ],
  });
}
