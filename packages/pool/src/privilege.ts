import { readFileSync } from "node:fs";

const capSysNice = 23n;

/** Whether this process may lower a niceness it has raised: setpriority(2) wants CAP_SYS_NICE for that. */
export function canTakeNicenessBack(): boolean {
  if (process.platform !== "linux") return process.geteuid?.() === 0;
  try {
    const held = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return held !== undefined && ((BigInt(`0x${held}`) >> capSysNice) & 1n) === 1n;
  } catch {
    return false;
  }
}
