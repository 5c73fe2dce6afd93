/** Runs in the guest as a service, once before the reboot and once after it. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { check, runChecks } from "./check.js";

const rebooted = "/var/rebooted";
const program = "/opt/constellation/node_modules/.bin/constellation";
const patienceMs = 240_000;

const run = (file, ...words) =>
  execFileSync(file, words, { cwd: "/srv/site", encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
const constellation = (...words) => run(program, ...words);
const snapshot = () => JSON.parse(constellation("ps", "--json"));
const pids = () =>
  Object.fromEntries(snapshot().instances.flatMap(({ name, state }) => (state.pid > 0 ? [[name, state.pid]] : [])));
const daemonPid = () => Number(run("systemctl", "show", "-p", "MainPID", "--value", "constellation.service"));

async function until(what, look) {
  const end = Date.now() + patienceMs;
  for (let last; ; await sleep(500)) {
    try {
      if (await look()) return;
      last = "not yet";
    } catch (error) {
      last = error;
    }
    if (Date.now() > end)
      throw new Error(
        `${what}: ${last instanceof Error ? `${last.message} ${String(last.stderr ?? "")}` : String(last)}`,
      );
  }
}

const healthy = () => {
  const { apps } = snapshot();
  return apps.length === 2 && apps.every(({ status }) => status === "healthy");
};

function equal(found, wanted, what) {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

async function answer() {
  return (await fetch("http://127.0.0.1:8080/", { signal: AbortSignal.timeout(30_000) })).text();
}

function beforeTheReboot() {
  check("systemd is the first process", () => readFileSync("/proc/1/comm", "utf8").trim());
  check("daemon install writes the unit and starts it, in place of a daemon that runs already", async () => {
    // Emulated, a daemon may take longer to begin than its caller waits.
    await until("a daemon of nobody's", () => constellation("daemon", "start") !== "");
    const said = constellation("daemon", "install");
    await until("active", () => run("systemctl", "is-active", "constellation.service") === "active");
    run("systemd-analyze", "verify", "/etc/systemd/system/constellation.service");
    equal(run("systemctl", "is-enabled", "constellation.service"), "enabled", "enabled");
    return said;
  });
  check("the daemon that answers is that of the service", async () => {
    await until("answers", () => JSON.parse(constellation("daemon", "status", "--json")).pid === daemonPid());
    return `pid ${daemonPid()}`;
  });
  check("up brings a web app up, limited and with a disk of its own", async () => {
    constellation("up", "--timeout", "4m");
    const { measures } = JSON.parse(constellation("inspect", "web.1", "--json"));
    const on = measures
      .filter(({ name, state }) => name.startsWith("limit.") && state === "on")
      .map(({ name }) => name);
    equal(on.sort(), ["limit.cpu", "limit.disk", "limit.memory", "limit.pids"], "limits");
    return answer();
  });
  check("systemd starts a daemon that was killed, and the instances notice nothing", async () => {
    const [before, daemon] = [pids(), daemonPid()];
    process.kill(daemon, "SIGKILL");
    await until("another daemon", () => daemonPid() > 0 && daemonPid() !== daemon);
    await until("healthy", healthy);
    equal(pids(), before, "pids");
  });
  check("stopping the service leaves the instances and their port, and starting it finds them", async () => {
    const before = pids();
    run("systemctl", "stop", "constellation.service");
    const text = await answer();
    run("systemctl", "start", "constellation.service");
    await until("healthy", healthy);
    equal(pids(), before, "pids");
    return text;
  });
}

function afterTheReboot() {
  check("the service is active", () =>
    until("active", () => run("systemctl", "is-active", "constellation.service") === "active"),
  );
  check("all apps come back healthy by themselves", async () => {
    await until("healthy", healthy);
    return constellation("ps").split("\n")[1];
  });
  check("they answer on their port, with the data of before", async () => {
    const text = await answer();
    if (!/started ([2-9]|\d\d+) times/.test(text)) throw new Error(text);
    return text;
  });
  check("down and disable leave nothing running", async () => {
    // Programs of instances, supervisors, inits and public ports: whatever has a control group or folder of ours in its words.
    const ours = () =>
      spawnSync("pgrep", ["-f", "/constellation/|constellation init"], { encoding: "utf8" })
        .stdout.split("\n")
        .filter((pid) => pid !== "" && Number(pid) !== daemonPid());
    const before = ours().length;
    constellation("down", "--data");
    run("systemctl", "disable", "--now", "constellation.service");
    await until("everything is gone", () => ours().length === 0);
    if (before < 4) throw new Error(`only ${before} processes were found before`);
    return `${before} processes before`;
  });
}

const second = existsSync(rebooted);
console.log(
  `guest: ${second ? "after" : "before"} the reboot, ${readFileSync("/proc/uptime", "utf8").split(" ")[0]} s up`,
);
(second ? afterTheReboot : beforeTheReboot)();
const failed = await runChecks();
if (failed > 0) {
  spawnSync("journalctl", ["-b", "--no-pager", "-n", "60", "-u", "constellation.service"], { stdio: "inherit" });
  for (const log of ["/var/lib/constellation/daemon.log"])
    if (existsSync(log)) console.log(readFileSync(log, "utf8").split("\n").slice(-20).join("\n"));
} else if (second) console.log("guest: everything came back");
else {
  writeFileSync(rebooted, "");
  run("systemctl", "--no-block", "reboot");
}
if (failed > 0 || second) run("systemctl", "--no-block", "poweroff");
