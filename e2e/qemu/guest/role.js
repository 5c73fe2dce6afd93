// What another process of the guest does: as a user without privilege, or within limits. Answers with one line of JSON.
import * as host from "./host/index.js";
import { readFileSync } from "node:fs";

const [role] = process.argv.slice(2);

if (role === "capacity") {
  const { memoryBytes, cpus } = host.hostCapacity();
  const pressure = host.openCgroupPressureGauge("memory")?.read();
  answer({ memoryBytes, cpus, pressure });
} else {
  process.setgroups([]);
  process.setgid(1000);
  process.setuid(1000);
  const outcome = host.openCgroupBase({ name: "constellation" });
  if (role === "base" || outcome.kind !== "ready") answer(role === "base" ? outcome : { base: outcome });
  else {
    const layout = host.detectCgroups();
    const limits = {
      pidsMax: 5,
      memoryBytes: 32 * 1024 * 1024,
      cpuCores: 0.5,
      io: [{ device: "254:0", readOpsPerSecond: 10 }],
    };
    const created = host.createCgroup(outcome.base, "u1", limits, { bestEffort: true });
    const again = host.openCgroupBase({ name: "constellation" });
    const pidsMax = readFileSync(`${outcome.base.directory}/u1/pids.max`, "latin1").trim();
    const killed = await created.cgroup.kill();
    const removed = await created.cgroup.remove();
    answer({
      base: outcome,
      again,
      own: layout.kind === "v2" ? host.detectCgroups().unified.ownDirectory : undefined,
      created: created.kind,
      missing: created.unenforced,
      pidsMax,
      removed: killed.kind === "empty" && removed.kind === "removed" && host.removeCgroupBase(outcome.base),
    });
  }
}

function answer(value) {
  console.log(JSON.stringify(value));
}
