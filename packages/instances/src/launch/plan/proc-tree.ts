import type { HostFacts } from "../host-facts.ts";
import { mountAttributes, mountFlags } from "./linux.ts";
import type { Step } from "./plan.ts";
import { at } from "./staging.ts";
import { steps } from "./steps.ts";

const covered = mountAttributes.readOnly | mountAttributes.noSuid | mountAttributes.noDev;

/** How /proc is made. */
export interface ProcOptions {
  /** Mount points can still be made in the root. */
  readonly staysOpen: boolean;
  /** That of the machine: the kernel makes one for process numbers only where they belong to one's own user namespace. */
  readonly fromMachine: boolean;
}

/**
 * A /proc with the paths covered that say too much or change the machine. What covers a folder is a part of the
 * root: where that `staysOpen` it is made read-only by itself.
 */
export function procSteps(host: HostFacts, { staysOpen, fromMachine }: ProcOptions): Step[] {
  const { readOnly, noSuid, noDev, noExec } = mountFlags;
  return [
    fromMachine
      ? steps.bind("/proc", at("/proc"), true)
      : steps.mount("proc", at("/proc"), "proc", noSuid | noDev | noExec, null),
    ...host.maskedProc.flatMap(({ path, directory }) => [
      steps.bind(directory ? at("/var/empty") : at("/dev/null"), at(path), false),
      ...(directory && staysOpen ? [steps.restrict(at(path), covered, false)] : []),
    ]),
    ...host.readOnlyProc.flatMap((path) => [
      steps.bind(at(path), at(path), false),
      steps.remountBind(at(path), readOnly | noSuid | noDev | noExec),
    ]),
  ];
}
