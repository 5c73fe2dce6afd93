import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Whether instances with a network of their own can reach the world. */
export type WayOut =
  | { readonly kind: "open"; readonly by: string }
  | { readonly kind: "closed"; readonly missing: string };

/**
 * Looks whether this machine forwards and translates the addresses of private networks, and whether its name server
 * can be reached from them. It only looks: `ensureNetworkHost` is what makes a way out, and that is for the user to ask.
 */
export function findWayOut(privileged: boolean): WayOut {
  if (!privileged) return closed("needs a root daemon");
  if (read("/proc/sys/net/ipv4/ip_forward").trim() !== "1") return closed("net.ipv4.ip_forward is 0");
  const table = spawnSync("nft", ["list", "table", "ip", "constellation"], {
    env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" },
    timeout: 5000,
    encoding: "utf8",
  });
  if (table.error !== undefined) return closed("nft is not installed");
  if (table.status !== 0 || !table.stdout.includes("masquerade"))
    return closed("the nftables table `constellation` is not there");
  const local = /^\s*nameserver\s+(127\.\S+|::1)/m.exec(read("/etc/resolv.conf"))?.[1];
  if (local !== undefined) return closed(`the name server ${local} answers only to this machine's own network`);
  return { kind: "open", by: "address translation" };
}

const closed = (missing: string): WayOut => ({ kind: "closed", missing });

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
