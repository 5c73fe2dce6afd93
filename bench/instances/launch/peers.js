import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { nowMs } from "./statistics.js";

/** Starts a command and tells when its program ran its first instruction, which the program itself says. */
function measure(command) {
  return () =>
    new Promise((resolve, reject) => {
      const before = nowMs();
      const child = spawn(command[0], command.slice(1), {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
      });
      const answered = nowMs();
      let output = "";
      let complaints = "";
      child.stdout.on("data", (data) => (output += data));
      child.stderr.on("data", (data) => (complaints += data));
      child.on("error", reject);
      child.on("close", (code) => {
        if (code !== 0) reject(new Error(complaints.trim().split("\n").at(-1)));
        else resolve({ first: Number(output) / 1e6 - before, answer: answered - before, exit: nowMs() - before });
      });
    });
}

const has = (tool) =>
  spawnSync("sh", ["-c", `command -v ${tool}`], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } }).status === 0;

/** What else there is on this machine to start the same program with. */
export function peers(folder, program) {
  const variants = { "bare spawn": { run: measure([program]), every: 1 } };
  const versions = { node: process.version };
  if (has("bwrap")) {
    versions.bubblewrap = execFileSync("bwrap", ["--version"], { encoding: "utf8" }).trim();
    const flags =
      "--unshare-all --die-with-parent --new-session --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --cap-drop ALL".split(
        " ",
      );
    variants.bubblewrap = { run: measure(["bwrap", ...flags, "--ro-bind", folder, folder, program]), every: 1 };
  }
  const bundle = `${folder}/bundle`;
  mkdirSync(`${bundle}/rootfs`, { recursive: true });
  for (const each of ["proc", "dev", "sys", "tmp", "etc", "run"]) mkdirSync(`${bundle}/rootfs/${each}`);
  copyFileSync(program, `${bundle}/rootfs/program`);
  chmodSync(`${bundle}/rootfs/program`, 0o755);
  if (has("runc")) {
    versions.runc = execFileSync("runc", ["--version"], { encoding: "utf8" }).split("\n")[0];
    execFileSync("runc", ["spec"], { cwd: bundle });
    const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
    config.process.terminal = false;
    config.process.args = ["/program"];
    config.process.rlimits = [];
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
    let count = 0;
    variants.runc = {
      run: () => measure(["runc", "run", "--bundle", bundle, `cn-bench-${process.pid}-${count++}`])(),
      every: 2,
    };
  }
  if (has("podman")) {
    versions.podman = execFileSync("podman", ["--version"], { encoding: "utf8" }).trim();
    const flags =
      "--rm --network none --runtime runc --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --log-driver none".split(
        " ",
      );
    variants["podman with runc"] = {
      run: measure(["podman", "run", ...flags, "--rootfs", `${bundle}/rootfs`, "/program"]),
      every: 8,
    };
  }
  return { variants, versions };
}
