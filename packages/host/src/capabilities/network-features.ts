import { available, missing, partial, type Feature, type FeatureName } from "./feature.ts";
import { findProgram, tryCommand } from "./try-command.ts";

const veth = "ip link add probe0 type veth peer name probe1";

/** Network features, tried in a network namespace of a child that vanishes with it. */
export function networkFeatures(signal: AbortSignal): Promise<Feature>[] {
  return [
    tryWithIp("veth", veth, "veth pairs", "modprobe veth", signal),
    tryWithIp(
      "traffic-control",
      `${veth} && tc qdisc add dev probe0 root tbf rate 1mbit burst 32kbit latency 50ms`,
      "token bucket filter on a veth pair",
      "modprobe sch_tbf",
      signal,
    ),
    tryInNamespace("nftables", "nft list tables", "nft", "apt install nftables; modprobe nf_tables", signal),
  ];
}

/** The trial alone needs iproute2; whoever sets links up by netlink does not. */
function tryWithIp(...trial: Parameters<typeof tryInNamespace>): Promise<Feature> {
  if (findProgram("ip") !== undefined) return tryInNamespace(...trial);
  return Promise.resolve(partial(trial[0], "not tried: no ip program", "apt install iproute2, to have it tried"));
}

async function tryInNamespace(
  name: FeatureName,
  script: string,
  detail: string,
  remedy: string,
  signal: AbortSignal,
): Promise<Feature> {
  const viaUser = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const trial = await tryCommand("unshare", [...viaUser, "--net", "sh", "-c", script], signal);
  if (trial.kind === "worked")
    return viaUser.length === 0
      ? available(name, detail)
      : partial(
          name,
          `${detail}, only within a user namespace`,
          "run as root to connect instances to the machine's network",
        );
  return trial.kind === "no-program"
    ? partial(name, "not tried: no unshare program", "apt install util-linux")
    : missing(name, trial.reason, remedy);
}
