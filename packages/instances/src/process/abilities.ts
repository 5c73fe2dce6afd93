import { readFileSync } from "node:fs";
import { type BaseOutcome, openCgroupBase } from "@constellation/host";
import { type HostFacts, readHostFacts, type Spawner } from "../launch/index.ts";
import { type NamespaceAbilities, tryNamespaces } from "./namespaces.ts";
import { findWayOut, type WayOut } from "./way-out.ts";
import { findWrapper, type Wrapper } from "./wrapper/wrapper.ts";

/** What this machine lets the process driver do; looked up once, at its start. */
export interface Abilities {
  readonly facts: HostFacts;
  readonly cgroups: BaseOutcome;
  readonly namespaces: NamespaceAbilities;
  /** What isolates in the launcher's place, where that cannot. */
  readonly wrapper: Wrapper | null;
  readonly wayOut: WayOut;
  /** The hard limit of descriptors that a process here can get. */
  readonly openFilesLimit: number;
  /** Version of the kernel's Landlock interface; 0: there is none. */
  readonly landlockVersion: number;
}

/** By what instances are kept apart; `auto` takes the first that works. */
export type IsolationLane = "auto" | "launcher" | Wrapper | "none";

/** What to look at, and with what. */
export interface AbilityOptions {
  readonly cgroupBase: string;
  readonly runtime: string;
  readonly lane: IsolationLane;
  readonly spawner: Spawner;
}

/** Looks at this machine. */
export async function findAbilities({ cgroupBase, runtime, lane, spawner }: AbilityOptions): Promise<Abilities> {
  const facts = readHostFacts();
  const limits = readFileSync("/proc/self/limits", "latin1");
  const namespaces =
    lane === "auto" || lane === "launcher" ? await tryNamespaces(facts, runtime, spawner) : notTried(lane);
  const able = namespaces.plainMissing === null || namespaces.withUserMissing === null;
  return {
    facts,
    cgroups: openCgroupBase({ name: cgroupBase }),
    namespaces,
    wrapper:
      lane === "auto" ? (able ? null : findWrapper(facts)) : lane === "launcher" || lane === "none" ? null : lane,
    wayOut: findWayOut(facts.privileged),
    openFilesLimit: Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? 0),
    landlockVersion: spawner.landlockVersion,
  };
}

function notTried(lane: IsolationLane): NamespaceAbilities {
  const missing = `the daemon was told to isolate by ${lane}`;
  return { withUserMissing: missing, plainMissing: missing };
}
