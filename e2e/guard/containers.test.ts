import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findByEnvironment } from "@constellation/host";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";
import { eventually } from "./shared-machine.ts";

const marker = { name: "E2E_CONTAINERS", value: `${process.pid}` };
const hasAll = ["/usr/bin/podman", "/usr/sbin/runc", "/usr/bin/busybox"].every((path) => existsSync(path));

let root: string;
let service: ChildProcess;
/** A store of its own: nothing of the machine's containers is seen or touched. */
let store: string[];
const podman = (...words: string[]): string => execFileSync("podman", [...store, ...words], { encoding: "utf8" });

beforeEach(async () => {
  if (!hasAll) return;
  root = realpathSync(mkdtempSync(join(tmpdir(), "gc-")));
  store = ["--root", join(root, "store"), "--runroot", join(root, "run"), "--runtime", "runc"];
  store.push("--cgroup-manager", "cgroupfs", "--storage-driver", "vfs");
  // An image without a registry: one static program.
  mkdirSync(join(root, "image/bin"), { recursive: true });
  copyFileSync("/usr/bin/busybox", join(root, "image/bin/busybox"));
  symlinkSync("busybox", join(root, "image/bin/sleep"));
  execFileSync("tar", ["-C", join(root, "image"), "-cf", join(root, "image.tar"), "."]);
  podman("import", "--quiet", join(root, "image.tar"), "localhost/one:1");
  service = spawn("podman", [...store, "system", "service", "--time=0", `unix://${join(root, "pod.sock")}`], {
    stdio: "ignore",
  });
  await eventually(() => existsSync(join(root, "pod.sock")));
});
afterEach(async () => {
  if (!hasAll) return;
  podman("rm", "--all", "--force", "--time=0");
  const ended = new Promise((resolve) => service.once("exit", resolve));
  service.kill("SIGKILL");
  await ended;
  expect(findByEnvironment(marker)).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

describe.skipIf(!hasAll)("containers", () => {
  it("that carry the run's label are stopped with it; others go on", async () => {
    writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, scripts: { test: "node --test" } }));
    const common = [
      ...store,
      "run",
      "-d",
      "--network=none",
      "--ulimit",
      "nofile=1024:1024",
      "--ulimit",
      "nproc=1000:1000",
    ];
    podman(...common.slice(store.length), "--name", "foreign", "localhost/one:1", "/bin/sleep", "1000");
    writeFileSync(
      join(root, "container.test.cjs"),
      `const { test } = require("node:test"); const { execFileSync } = require("node:child_process");
test("starts a container", () => { execFileSync("podman", [...${JSON.stringify(common)}, "--name", "ours", "--label", "constellation.run=" + process.env.CONSTELLATION_RUN, "localhost/one:1", "/bin/sleep", "1000"]); });`,
    );
    const { outcome, stderr } = await protectedRun(
      root,
      { containers: true, selfProtect: false },
      { environment: { [marker.name]: marker.value, DOCKER_HOST: `unix://${join(root, "pod.sock")}` } },
    );
    expect(outcome?.kind, stderr).toBe("passed");
    expect(podman("ps", "--format", "{{.Names}}").trim()).toBe("foreign");
    expect(podman("ps", "--all", "--filter", "name=ours", "--format", "{{.Status}}")).toMatch(/^Exited/);
  }, 120_000);
});
