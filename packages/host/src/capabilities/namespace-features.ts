import { existsSync } from "node:fs";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { available, missing, partial, type Feature, type FeatureName } from "./feature.ts";
import { tryCommand, type Trial } from "./try-command.ts";

const kinds = [
  ["namespace-pid", "pid", ["--pid", "--fork", "--kill-child"]],
  ["namespace-mount", "mnt", ["--mount"]],
  ["namespace-network", "net", ["--net"]],
  ["namespace-ipc", "ipc", ["--ipc"]],
  ["namespace-uts", "uts", ["--uts"]],
  ["namespace-cgroup", "cgroup", ["--cgroup"]],
  ["namespace-user", "user", ["--user", "--map-root-user"]],
] as const;

/** Tries each kind of namespace in a child that ends at once: for root directly, else inside a user namespace. */
export function namespaceFeatures(signal: AbortSignal): Promise<Feature>[] {
  return [...kinds.map(([name, kind, words]) => tryKind(name, kind, words, signal)), rootless(signal)];
}

async function tryKind(
  name: FeatureName,
  kind: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Feature> {
  if (!existsSync(`/proc/self/ns/${kind}`))
    return missing(
      name,
      `the kernel has no /proc/self/ns/${kind}`,
      `use a kernel with CONFIG_${kind.toUpperCase()}_NS`,
    );
  const isRoot = process.getuid?.() === 0;
  const viaUser = isRoot || kind === "user" ? [] : ["--user", "--map-root-user"];
  const trial = await tryCommand("unshare", [...viaUser, ...words, "true"], signal);
  return judge(name, trial, viaUser.length > 0 ? "within a user namespace" : "tried in a child", userNamespaceRemedy());
}

/** Whether somebody without any privilege can make a user namespace with a network and mounts of its own. */
async function rootless(signal: AbortSignal): Promise<Feature> {
  const trial = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--net",
    "true",
  ] as const;
  const asNobody = [
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "--no-new-privs",
    "--",
  ];
  const result =
    process.getuid?.() === 0
      ? await tryCommand("setpriv", [...asNobody, ...trial], signal)
      : await tryCommand(trial[0], trial.slice(1), signal);
  return judge("rootless", result, "an unprivileged user can isolate", userNamespaceRemedy());
}

function judge(name: FeatureName, trial: Trial, detail: string, remedy: string): Feature {
  if (trial.kind === "worked") return available(name, detail);
  if (trial.kind === "no-program")
    return partial(name, "in the kernel, not tried: no unshare or setpriv program", "apt install util-linux");
  return missing(name, trial.reason, remedy);
}

/** Distributions switch user namespaces off in three ways; name the one in force. */
function userNamespaceRemedy(): string {
  if (readKernelFileIfPresent("/proc/sys/kernel/unprivileged_userns_clone")?.trim() === "0")
    return "sysctl -w kernel.unprivileged_userns_clone=1";
  if (readKernelFileIfPresent("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")?.trim() === "1")
    return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or install an AppArmor profile";
  if (readKernelFileIfPresent("/proc/sys/user/max_user_namespaces")?.trim() === "0")
    return "sysctl -w user.max_user_namespaces=15000";
  return "run as root, or allow namespaces in the container or security policy around this process";
}
