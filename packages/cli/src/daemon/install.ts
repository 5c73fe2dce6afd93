import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { launchdPlist, type ServiceSettings, systemdUnit } from "@constellation/host";
import { ConstellationError, daemonFlags, daemonProgram, daemonSettings } from "@constellation/sdk";
import type { InitOptions } from "@constellation/sdk";
import type { Context } from "../context.ts";

const unitName = "constellation.service";
const launchdLabel = "dev.constellation.daemon";

/** The file that a service manager reads, and how it is told about it. */
interface Service {
  readonly file: string;
  readonly text: string;
  /** Exists where this service manager runs the machine. */
  readonly sign: string;
  readonly manager: string;
  readonly tell: readonly (readonly [string, ...string[]])[];
}

/**
 * Installs the daemon as a service: a systemd unit on Linux, a launchd job on macOS; the machine's for root, the user's
 * own otherwise.
 *
 * @throws ConstellationError `platform.unsupported` where that service manager does not run the machine
 */
export async function installUnit(
  { out }: Context,
  { json, print, network }: Pick<InitOptions, "network"> & { json: boolean; print: boolean },
): Promise<void> {
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
  for (const command of service.tell) run(command);
  if (json) out.line(JSON.stringify({ unit: service.file }));
  else out.line(`Installed ${service.file}; the daemon starts with ${forUser ? "your session" : "the machine"}`);
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
    tell: [
      ["systemctl", ...scope, "daemon-reload"],
      ["systemctl", ...scope, "enable", "--now", unitName],
    ],
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
    tell: [["launchctl", "load", "-w", file]],
  };
}

function run([program, ...args]: readonly [string, ...string[]]): void {
  try {
    execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const stderr = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new ConstellationError("daemon.start-failed", `${program} ${args.join(" ")} failed: ${stderr}`, { cause });
  }
}
