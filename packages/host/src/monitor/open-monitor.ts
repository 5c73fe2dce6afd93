import { HostError } from "../failure.ts";
import { linuxMonitor } from "./linux-monitor.ts";
import { macosMonitor } from "./macos-monitor.ts";
import type { Monitor } from "./monitor.ts";

/** The monitor of a platform. @throws HostError platform-unsupported for any but Linux and macOS */
export function openMonitor(platform: NodeJS.Platform = process.platform): Monitor {
  if (platform === "linux") return linuxMonitor();
  if (platform === "darwin") return macosMonitor();
  throw new HostError(
    "platform-unsupported",
    `Cannot watch instances on "${platform}": wanted linux or darwin; run the daemon on Linux (WSL 2 or a container works)`,
  );
}
