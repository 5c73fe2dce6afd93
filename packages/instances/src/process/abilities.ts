import { readFileSync } from "node:fs";
import { type BaseOutcome, openCgroupBase } from "@constellation/host";
import { type HostFacts, readHostFacts, type Spawner } from "../launch/index.ts";
import { type NamespaceAbilities, tryNamespaces } from "./namespaces.ts";
import { findWayOut, type WayOut } from "./way-out.ts";

/** What this machine lets the process driver do; looked up once, at its start. */
export interface Abilities {
  readonly facts: HostFacts;
  readonly cgroups: BaseOutcome;
  readonly namespaces: NamespaceAbilities;
  readonly wayOut: WayOut;
  /** The hard limit of descriptors that a process here can get. */
  readonly openFilesLimit: number;
}

/** Looks at this machine. */
export async function findAbilities(cgroupBaseName: string, runtime: string, spawner: Spawner): Promise<Abilities> {
  const facts = readHostFacts();
  const limits = readFileSync("/proc/self/limits", "latin1");
  return {
    facts,
    cgroups: openCgroupBase({ name: cgroupBaseName }),
    namespaces: await tryNamespaces(facts, runtime, spawner),
    wayOut: findWayOut(facts.privileged),
    openFilesLimit: Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 0),
  };
}
