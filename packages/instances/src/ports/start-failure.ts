import { constants } from "node:os";
import { ConstellationError } from "@constellation/contract";
import type { Endpoint } from "./endpoint.ts";
import { findPortOwners } from "./owner.ts";

const nameOf = (errno: number) =>
  Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;

/** Words what the port process printed instead of "ok": `error <step> <errno>`. */
export function startFailure(line: string, { address, port }: Endpoint, folder: string): ConstellationError {
  const [, step = "start", number = "0"] = /^error (\S+) (\d+)$/.exec(line) ?? [];
  const errno = nameOf(Number(number));
  const where = `Cannot open public port ${port} on ${address}`;
  const details = { step, errno, address, port };
  if (step === "bind" || step === "listen") {
    if (errno === "EADDRINUSE") return inUse(where, { address, port }, details);
    if (errno === "EACCES")
      return new ConstellationError("access.denied", `${where}: ports below 1024 need root or CAP_NET_BIND_SERVICE`, {
        remedy: "Choose a port from 1024 on, or run the daemon as root.",
        details,
      });
    if (errno === "EADDRNOTAVAIL")
      return new ConstellationError("spec.invalid", `${where}: no network interface of this machine has that address`, {
        remedy: "Use an address of this machine, 127.0.0.1, or 0.0.0.0 for all of them.",
        details,
      });
  }
  if (errno === "EAFNOSUPPORT")
    return new ConstellationError(
      "platform.unsupported",
      `${where}: this machine has no ${address.includes(":") ? "IPv6" : "IPv4"}`,
      {
        details,
      },
    );
  if (step === "control" && errno === "EADDRINUSE")
    return new ConstellationError("state.conflict", `${where}: another port process serves ${folder}`, {
      remedy: "Adopt it, or close it first.",
      details,
    });
  return new ConstellationError("instance.start-failed", `${where}: step "${step}" failed with ${errno}`, { details });
}

function inUse(where: string, endpoint: Endpoint, details: Readonly<Record<string, unknown>>): ConstellationError {
  const [owner] = findPortOwners(endpoint) ?? [];
  const by = owner ? `process ${owner.pid} (${owner.command})` : "somebody else's process, which cannot be looked into";
  return new ConstellationError("port.in-use", `${where}: it is in use by ${by}`, {
    remedy: owner
      ? `Stop process ${owner.pid}, or choose another port.`
      : "Choose another port; `sudo ss -ltnp` says who has this one.",
    details: { ...details, ...(owner ? { ownerPid: owner.pid, ownerCommand: owner.command } : {}) },
  });
}
