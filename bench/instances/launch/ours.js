import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  buildPlan,
  fullIsolation,
  noIsolation,
  planWire,
  readHostFacts,
  Spawner,
  WarmSlot,
  watchLife,
} from "../../../packages/instances/dist/launch/index.js";
import { nowMs } from "./statistics.js";

/** Launches of this package, in variants. `cgroups` are tasks files or a version 2 folder that exist already. */
export async function ours(folder, program, cgroups) {
  const spawner = new Spawner();
  await spawner.start();
  const host = readHostFacts();
  const root = process.getuid() === 0;
  const unprivileged = root ? { kind: "own", uid: 100_001, gid: 100_001, groups: [] } : null;
  const namespace = {
    kind: "namespace",
    insideUid: 1000,
    insideGid: 1000,
    outsideUid: root ? 100_001 : host.uid,
    outsideGid: root ? 100_001 : host.gid,
  };
  const log = (instanceDir) => ({
    path: join(instanceDir, "log"),
    maxBytes: 1e6,
    rotatedFiles: 1,
    maxLineBytes: 16384,
  });
  const request = (over) => {
    const instanceDir = mkdtempSync(join(folder, "i-"));
    return {
      identity: { name: "bench.0", hostname: "bench" },
      argv: [program],
      env: { PATH: "/usr/bin:/bin" },
      cwd: "/",
      instanceDir,
      log: log(instanceDir),
      isolation: fullIsolation,
      user: unprivileged ?? namespace,
      binds: [{ source: folder, target: "/srv/bench", writable: false }],
      memoryFolders: [],
      data: null,
      tmpBytes: 1 << 26,
      sharedMemoryBytes: 1 << 24,
      rlimits: { openFiles: 1024 },
      cgroups,
      network: { kind: "none" },
      sockets: [],
      startTimeoutMs: 10_000,
      ...over,
    };
  };
  const inside = program.replace(folder, "/srv/bench");
  const finish = async (instanceDir, started) => {
    await watchLife(instanceDir);
    const exit = nowMs();
    const first = Number(readFileSync(join(instanceDir, "log"), "utf8").split(" ").at(-1)) / 1e6;
    rmSync(instanceDir, { recursive: true });
    return { first: first - started.before, answer: started.answered - started.before, exit: exit - started.before };
  };
  const launch = (over) => async () => {
    const wanted = request(over());
    const before = nowMs();
    await spawner.launch(buildPlan(wanted, host));
    return finish(wanted.instanceDir, { before, answered: nowMs() });
  };
  const slot = (user) => async () => {
    const { instanceDir, ...rest } = request({});
    const warm = await WarmSlot.prepare({ ...rest, instanceDir, name: "slot" }, spawner, host);
    await new Promise((resolve) => setTimeout(resolve, 15));
    const { identity, env, cwd, binds, data, sockets, rlimits } = rest;
    const before = nowMs();
    await warm.assign({ identity, argv: [inside], env, cwd, binds, data, sockets, rlimits, user });
    return finish(instanceDir, { before, answered: nowMs() });
  };
  let wire = 0;
  const unlimited = { sendBitsPerSecond: 50e6, receiveBitsPerSecond: 50e6 };
  return {
    variants: {
      "ours, no isolation": launch(() => ({
        isolation: noIsolation,
        user: { kind: "same" },
        argv: [program],
        cgroups: [],
      })),
      "ours, full, machine's network": launch(() => ({ network: { kind: "host" }, argv: [inside] })),
      "ours, full, no network": launch(() => ({ argv: [inside] })),
      "ours, full, user namespace": launch(() => ({ argv: [inside], user: namespace })),
      ...(root
        ? {
            "ours, full, private network with limits": launch(() => ({
              argv: [inside],
              network: { kind: "private", wire: planWire(wire++ % 1000, unlimited) },
            })),
          }
        : {}),
      ...(root ? { "ours, warm slot": slot(unprivileged), "ours, warm slot, user namespace": slot(namespace) } : {}),
    },
    request,
    inside,
    spawner,
    host,
  };
}
