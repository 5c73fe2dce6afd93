import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { LaunchError } from "../launch-error.ts";
import { defaultInstanceRange, wirePrefix } from "./wire-plan.ts";

const TABLE = "constellation";
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
const TIMEOUT_MS = 10_000;

export interface NetworkHostOptions {
  /** Addresses of instances. @default defaultInstanceRange */
  readonly range?: string;
  readonly signal?: AbortSignal;
}

/**
 * Lets private networks reach the world: switches forwarding on and makes one nftables table that translates their
 * addresses and keeps instances apart. This changes the machine (its network namespace), so nothing calls it unasked.
 * Doing it again changes nothing.
 * @throws LaunchError ENVIRONMENT when `nft` is missing or refuses
 */
export async function ensureNetworkHost({
  range = defaultInstanceRange,
  signal,
}: NetworkHostOptions = {}): Promise<void> {
  if (readFileSync(FORWARDING, "latin1").trim() !== "1") writeFileSync(FORWARDING, "1");
  // "add" and "flush" before the rules: one transaction, whatever was there before.
  await nft(
    `add table ip ${TABLE}
flush table ip ${TABLE}
table ip ${TABLE} {
  chain outgoing {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${range} oifname != "${wirePrefix}*" masquerade
  }
  chain between {
    type filter hook forward priority filter; policy accept;
    iifname "${wirePrefix}*" oifname "${wirePrefix}*" drop
  }
}
`,
    signal,
  );
}

/** Removes the table again; forwarding stays as it is, since others may rely on it. */
export async function removeNetworkHost({ signal }: Pick<NetworkHostOptions, "signal"> = {}): Promise<void> {
  await nft(`add table ip ${TABLE}\ndelete table ip ${TABLE}\n`, signal);
}

function nft(rules: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: TIMEOUT_MS,
      env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" },
      ...(signal ? { signal } : {}),
    };
    const child = execFile("nft", ["-f", "-"], options, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const why =
        "code" in error && error.code === "ENOENT"
          ? "the program nft is missing; install nftables"
          : stderr.trim() || error.message;
      reject(
        new LaunchError(`Cannot prepare the network for instances: ${why}`, { code: "ENVIRONMENT", cause: error }),
      );
    });
    child.stdin?.on("error", () => {}); // the callback tells why
    child.stdin?.end(rules);
  });
}
