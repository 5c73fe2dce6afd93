import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConstellationError, daemonFlags, daemonProgram } from "@constellation/sdk";
import type { InitOptions } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { systemdUnit } from "./systemd-unit.ts";

const unitName = "constellation.service";

/**
 * Installs the systemd unit: the machine's for root, the user's own otherwise.
 *
 * @throws ConstellationError `platform.unsupported` without systemd
 */
export async function installUnit(
  { out }: Context,
  { json, print, network }: Pick<InitOptions, "network"> & { json: boolean; print: boolean },
): Promise<void> {
  const system = process.getuid?.() === 0;
  const unit = systemdUnit({
    node: process.execPath,
    flags: daemonFlags,
    program: daemonProgram(),
    home: process.env["CONSTELLATION_HOME"],
    network: network ?? process.env["CONSTELLATION_NETWORK"],
    system,
  });
  if (print) {
    out.write(unit);
    return;
  }
  const file = system ? `/etc/systemd/system/${unitName}` : join(userUnits(), unitName);
  if (!existsSync("/run/systemd/system"))
    throw new ConstellationError(
      "platform.unsupported",
      `Cannot install ${unitName}: systemd does not run this machine`,
      {
        remedy: "Start the daemon at boot by other means, with what `constellation daemon install --print` shows.",
      },
    );
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, unit);
  const scope = system ? [] : ["--user"];
  systemctl([...scope, "daemon-reload"]);
  systemctl([...scope, "enable", "--now", unitName]);
  if (json) out.line(JSON.stringify({ unit: file }));
  else out.line(`Installed ${file}; the daemon starts with ${system ? "the machine" : "your session"}`);
}

function userUnits(): string {
  const { XDG_CONFIG_HOME, HOME = "/" } = process.env;
  return join(XDG_CONFIG_HOME || join(HOME, ".config"), "systemd/user");
}

function systemctl(args: readonly string[]): void {
  try {
    execFileSync("systemctl", args, { stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const stderr = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new ConstellationError("daemon.start-failed", `systemctl ${args.join(" ")} failed: ${stderr}`, { cause });
  }
}
