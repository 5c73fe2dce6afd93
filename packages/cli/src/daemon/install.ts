import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { launchdPlist, type ServiceSettings, systemdUnit } from "@constellation/host";
import { ConstellationError, daemonFlags, daemonProgram, daemonSettings } from "@constellation/sdk";
import type { InitOptions } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { daemonIsGone } from "./gone.ts";
import { runningDaemon } from "./running.ts";

const unitName = "constellation.service";
const launchdLabel = "dev.constellation.daemon";

/** The file that a service manager reads, and how it is told to read and to start it. */
interface Service {
  readonly file: string;
  readonly text: string;
  /** Exists where this service manager runs the machine. */
  readonly sign: string;
  readonly manager: string;
  readonly read: readonly SystemCommand[];
  readonly start: readonly SystemCommand[];
}

type SystemCommand = readonly [string, ...string[]];

/**
 * Installs the daemon as a service: a systemd unit on Linux, a launchd job on macOS; the machine's for root, the user's
 * own otherwise. A daemon that runs already makes room for that of the service, which takes its instances over.
 *
 * @throws ConstellationError `platform.unsupported` where that service manager does not run the machine,
 *   `daemon.start-failed` when it refuses
 */
export async function installUnit(
  context: Context,
  { json, print, network }: Pick<InitOptions, "network"> & { json: boolean; print: boolean },
): Promise<void> {
  const { out } = context;
  const forUser = process.getuid?.() !== 0;
  const settings = serviceSettings(forUser, network ?? process.env["CONSTELLATION_NETWORK"]);
  const service = process.platform === "darwin" ? launchd(settings) : systemd(settings);
  if (print) {
    if (json) out.line(JSON.stringify({ unit: service.file, text: service.text }));
    else out.write(service.text);
    return;
  }
  if (!existsSync(service.sign))
    throw new ConstellationError(
      "platform.unsupported",
      `Cannot install ${service.file}: ${service.manager} does not run this machine`,
      { remedy: "Start the daemon at boot by other means, with what `constellation daemon install --print` shows." },
    );
  mkdirSync(dirname(service.file), { recursive: true });
  writeFileSync(service.file, service.text);
  for (const command of service.read) run(command, forUser);
  // It holds the state: that of the service would find it taken, and give up.
  await stopRunning(context);
  for (const command of service.start) run(command, forUser);
  if (json) return out.line(JSON.stringify({ unit: service.file }));
  out.line(`Installed ${service.file}; the daemon starts with ${forUser ? "your session" : "the machine"}`);
  if (forUser && process.platform === "linux")
    out.line("When you log out it ends, with its instances, until `loginctl enable-linger` was said once.");
}

async function stopRunning(context: Context): Promise<void> {
  const running = await runningDaemon(context);
  if (running === null) return;
  const { client, signal } = context;
  const daemon = await client({ start: false });
  await daemon.stopDaemon({ signal });
  await daemonIsGone(daemon.places.socketPath, running.pid, signal);
}

function serviceSettings(forUser: boolean, network: string | undefined): ServiceSettings {
  const { CONSTELLATION_HOME: home, CONSTELLATION_WARM: warm, CONSTELLATION_CPU_LATENCY: latency } = process.env;
  return {
    description: "Constellation, runs and supervises apps",
    command: [process.execPath, ...daemonFlags, daemonProgram()],
    environment: {
      ...daemonSettings,
      ...(home === undefined ? {} : { CONSTELLATION_HOME: home }),
      ...(network === undefined ? {} : { CONSTELLATION_NETWORK: network }),
      ...(warm === undefined ? {} : { CONSTELLATION_WARM: warm }),
      ...(latency === undefined ? {} : { CONSTELLATION_CPU_LATENCY: latency }),
    },
    forUser,
  };
}

function systemd(settings: ServiceSettings): Service {
  const { XDG_CONFIG_HOME, HOME = "/" } = process.env;
  const user = settings.forUser === true;
  const folder = user ? join(XDG_CONFIG_HOME || join(HOME, ".config"), "systemd/user") : "/etc/systemd/system";
  const scope = user ? ["--user"] : [];
  return {
    file: join(folder, unitName),
    text: systemdUnit(settings),
    sign: "/run/systemd/system",
    manager: "systemd",
    read: [["systemctl", ...scope, "daemon-reload"]],
    start: [["systemctl", ...scope, "enable", "--now", unitName]],
  };
}

function launchd(settings: ServiceSettings): Service {
  const folder =
    settings.forUser === true ? join(process.env["HOME"] ?? "/", "Library/LaunchAgents") : "/Library/LaunchDaemons";
  const file = join(folder, `${launchdLabel}.plist`);
  return {
    file,
    text: launchdPlist(launchdLabel, settings),
    sign: "/bin/launchctl",
    manager: "launchd",
    read: [],
    start: [["launchctl", "load", "-w", file]],
  };
}

/** What `su`, `sudo -u` and cron do not have. */
const withoutSession =
  "Your own systemd is reached from a login of yours (ssh, a console; not su or sudo): log in, and try again. Or `loginctl enable-linger`, `export XDG_RUNTIME_DIR=/run/user/$(id -u)`, and try again.";

function run([program, ...args]: SystemCommand, forUser: boolean): void {
  try {
    execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const stderr = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new ConstellationError("daemon.start-failed", `${program} ${args.join(" ")} failed: ${stderr}`, {
      cause,
      ...(forUser && program === "systemctl" ? { remedy: withoutSession } : {}),
    });
  }
}
