import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createCgroup, type CgroupLimits, type UnenforceableLimit } from "@constellation/host";
import { newRunId } from "../driver/run-id.ts";
import {
  createDiskImage,
  fullIsolation,
  type InstanceUser,
  type LaunchRequest,
  planWire,
  SMALLEST_IMAGE_BYTES,
  type Spawner,
  type VethWire,
} from "../launch/index.ts";
import type { Abilities } from "./abilities.ts";
import { type DriverFolders, inside } from "./folders.ts";
import { tryLaunch, type TrialOutcome } from "./try-launch.ts";

/** What only a trial tells about a machine. `null`: it works, else why not. A script of answers stands in for it in tests. */
export interface Trials {
  /** Limits that a control group would not enforce. */
  group(limits: CgroupLimits): readonly UnenforceableLimit[];
  /** A network of its own with limited bandwidth. */
  wire(): Promise<string | null>;
  /** A disk image, mounted. */
  disk(): Promise<string | null>;
  /** Whether an instance may read `path` and, when it is a folder, enter it. */
  reads(path: string, reader: Reader): Promise<boolean>;
}

/** Who reads: the user of an instance, in a file tree of its own or not. */
export interface Reader {
  readonly user: InstanceUser;
  readonly ownRoot: boolean;
}

/** An address range for documentation only, so that a trial meets nobody (RFC 5737): room for 64 daemons at a time. */
const trialRange = "192.0.2.0/24";
const trialWires = 64;

/** Trials on this machine; each leaves nothing behind. */
export function machineTrials(abilities: Abilities, folders: DriverFolders, spawner: () => Promise<Spawner>): Trials {
  const { facts, cgroups, namespaces } = abilities;
  const user: InstanceUser =
    namespaces.plainMissing === null
      ? { kind: "own", uid: 65_534, gid: 65_534, groups: [] }
      : { kind: "namespace", insideUid: 1000, insideGid: 1000, outsideUid: 65_534, outsideGid: 65_534 };
  let number = 0;
  const launch = async (over: Pick<LaunchRequest, "user"> & Partial<LaunchRequest>): Promise<TrialOutcome> => {
    number += 1;
    const folder = join(folders.runtime, `try-${number}`);
    return tryLaunch({ facts, spawner: await spawner(), folder }, over);
  };
  return {
    group(limits) {
      if (cgroups.kind === "unavailable") return [];
      // Named like that of a run, so that the next daemon removes what this one could not.
      const name = `try-${newRunId(Date.now(), Math.random())}`;
      const outcome = createCgroup(cgroups.base, name, limits, { bestEffort: true });
      if (outcome.kind === "unenforceable") return outcome.limits;
      void outcome.cgroup.remove().finally(() => outcome.cgroup.close());
      return outcome.unenforced;
    },
    async wire() {
      const network = { kind: "private", wire: trialWire() } as const;
      return failure(await launch({ user, network }));
    },
    async disk() {
      const image = join(folders.state, `try-${process.pid}.img`);
      try {
        await createDiskImage({ path: image, bytes: SMALLEST_IMAGE_BYTES, uid: 65_534, gid: 65_534 });
        return failure(await launch({ user, data: { kind: "image", image, target: inside.data } }));
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        await rm(image, { force: true });
      }
    },
    async reads(path, { user, ownRoot }) {
      const outcome = await launch({
        user,
        argv: ["/bin/sh", "-c", 'test -r "$1" && { test ! -d "$1" || test -x "$1"; }', "sh", path],
        isolation: { ...fullIsolation, root: ownRoot },
        binds: ownRoot ? [{ source: path, writable: false }] : [],
      });
      // What could not be tried is not refused: the start itself will tell.
      return outcome.kind === "failed" || outcome.exitCode !== 1;
    },
  };
}

const failure = (outcome: TrialOutcome): string | null => (outcome.kind === "failed" ? outcome.reason : null);

/** A wire of its own for each daemon, numbered below those of instances. */
function trialWire(): VethWire {
  const slot = process.pid % trialWires;
  const rates = { sendBitsPerSecond: 1_000_000, receiveBitsPerSecond: 1_000_000 };
  return { ...planWire(slot, rates, { range: trialRange }), hostName: `cntry${slot}`, hostIndex: 69_000 + slot };
}
