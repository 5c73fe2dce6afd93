import { execFileSync } from "node:child_process";
import { HostError } from "../failure.ts";
import type { PortListener } from "./port-listener.ts";

/** Lists listening sockets by `lsof`; the start time of an owner is not told (0), so it must not be signalled by it. */
export function listMacosListeners(ports: readonly number[] | undefined): PortListener[] {
  let text: string;
  try {
    text = execFileSync("lsof", ["-nP", "-iTCP", "-sTCP:LISTEN", "-Fpcnt"], {
      encoding: "utf8",
      timeout: 10_000,
      maxBuffer: 16e6,
    });
  } catch (error) {
    // lsof ends with 1 when nothing listens.
    if ((error as { status?: unknown }).status === 1) return [];
    throw new HostError("file-unreadable", "Cannot list listening ports: running lsof failed", { cause: error });
  }
  const all = parseLsof(text);
  return ports === undefined ? all : all.filter((each) => ports.includes(each.port));
}

/** Parses `lsof -Fpcnt`: one letter and a value a line; p and c name the process of the files that follow. */
export function parseLsof(text: string): PortListener[] {
  const listeners: PortListener[] = [];
  let pid = 0;
  let command = "";
  let family: 4 | 6 = 4;
  for (const line of text.split("\n")) {
    const value = line.slice(1);
    if (line.startsWith("p")) pid = /^\d{1,10}$/.test(value) ? Number(value) : 0;
    else if (line.startsWith("c")) command = value;
    else if (line.startsWith("t")) family = value === "IPv6" ? 6 : 4;
    else if (line.startsWith("n")) {
      const match = /^(.*):(\d{1,5})$/.exec(value);
      if (match === null || pid === 0) continue;
      const host = (match[1] as string).replace(/^\[|\]$/g, "");
      listeners.push({
        family,
        address: host === "*" ? (family === 6 ? "::" : "0.0.0.0") : host,
        port: Number(match[2]),
        inode: 0,
        uid: 0,
        owners: [{ identity: { pid, startTicks: 0 }, commandLine: [command] }],
      });
    }
  }
  return listeners;
}
