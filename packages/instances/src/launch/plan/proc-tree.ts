import type { HostFacts } from "../host-facts.ts";
import { mountFlags } from "./linux.ts";
import type { Step } from "./plan.ts";
import { at } from "./staging.ts";
import { steps } from "./steps.ts";

/** A fresh /proc with the paths covered that say too much or change the machine. */
export function procSteps(host: HostFacts): Step[] {
  const { readOnly, noSuid, noDev, noExec } = mountFlags;
  return [
    steps.mount("proc", at("/proc"), "proc", noSuid | noDev | noExec, null),
    ...host.maskedProc.map(({ path, directory }) =>
      steps.bind(directory ? at("/var/empty") : at("/dev/null"), at(path), false),
    ),
    ...host.readOnlyProc.flatMap((path) => [
      steps.bind(at(path), at(path), false),
      steps.remountBind(at(path), readOnly | noSuid | noDev | noExec),
    ]),
  ];
}
