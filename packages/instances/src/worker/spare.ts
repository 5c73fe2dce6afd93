import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Cgroup } from "@constellation/host";
import { launchBinary } from "../binary.ts";
import { newRunId } from "../driver/run-id.ts";
import { Standby } from "../launch/standby/standby.ts";
import { abandon } from "../process/abandon.ts";
import { writeAheadRecord } from "../process/ahead-record.ts";
import { type GroupAhead, makingGroup, readyGroup } from "../process/group-ahead.ts";
import { makeFilledLater } from "../process/filled-later.ts";
import { sparesFolder } from "../process/folders.ts";
import { startTimeoutMs } from "../process/prepare.ts";
import type { ProcessParts } from "../process/process-driver.ts";
import { listenPreload } from "../ports/index.ts";
import { insideOwn, ownLaunch, preloadFile } from "./own-launch.ts";
import type { Shape } from "./shape.ts";

/** What a waiting Node executes: the first of them. */
const [warmProgram = "", warmModule = "", ...others] = [
  "warm.cjs",
  "warm-up.mjs",
  "warm-up.cjs",
  "become.cjs",
  "entry.cjs",
  "compiled.cjs",
  "ready-preload.cjs",
  "listen.cjs",
  "drain.cjs",
  "door.cjs",
  "turns.cjs",
].map(preloadFile);

/** Takes the words of the command later, so that `ps` shows what runs (preload/become.cjs). */
const roomForWords = " ".repeat(4096);

/** A Node that waits, complete but for what it will run: user, namespaces, network, control group. */
export interface Spare {
  readonly shape: Shape;
  readonly number: number;
  readonly group: GroupAhead | null;
  readonly standby: Standby;
}

/**
 * Makes a spare; resolves when it is warm and waits.
 *
 * @throws LaunchError, ConstellationError when this machine cannot, nothing is left then
 */
export async function makeSpare(shape: Shape, parts: ProcessParts, signal: AbortSignal): Promise<Spare> {
  const { numbers, abilities, folders } = parts;
  const id = newRunId(parts.clock.nowMs(), Math.random());
  const number = numbers.reserve("a warm Node");
  const folder = join(sparesFolder(folders), id);
  let cgroup: Cgroup | null = null;
  try {
    mkdirSync(sparesFolder(folders), { recursive: true, mode: 0o711 });
    cgroup = makingGroup(`spare-${id}`, abilities);
    const library = launchBinary("warm.node");
    const program = {
      name: "a warm Node",
      words: [...[warmProgram, library, warmModule].map(insideOwn), dirname(listenPreload), roomForWords],
      files: [warmProgram, warmModule, library, ...others],
    };
    const launch = ownLaunch(program, shape, { number, folder, cgroup }, parts);
    const request = { ...launch, env: { ...launch.env, NODE_OPTIONS: nodeOptions(shape) } };
    makeFilledLater(folder);
    writeAheadRecord(folder, { standby: request });
    const standby = await Standby.prepare(request, await parts.spawner(), abilities.facts, { signal });
    return { shape, number, group: readyGroup(cgroup), standby };
  } catch (error) {
    await abandon(folder, cgroup, startTimeoutMs);
    numbers.free(number);
    throw error;
  }
}

/** Its threads load what Node was started with: the preload of shared ports, which keeps still where there is none. */
function nodeOptions({ environment }: Shape): string {
  return `${environment["NODE_OPTIONS"] ?? ""} --require ${insideOwn(listenPreload)}`.trim();
}

/** Ends a spare that is not needed; resolves when nothing of it is left. */
export async function discardSpare({ standby, group, number }: Spare, { numbers }: ProcessParts): Promise<void> {
  standby.discard();
  await abandon(standby.request.instanceDir, group?.cgroup ?? null, startTimeoutMs);
  numbers.free(number);
}
