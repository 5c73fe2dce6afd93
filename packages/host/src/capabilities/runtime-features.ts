import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { probeEngine } from "../containers/containers.ts";
import { findEngineSockets } from "../containers/engine-socket.ts";
import { readKernelFileIfPresent } from "../proc/read-file.ts";
import { available, missing, partial, type Feature, type FeatureName } from "./feature.ts";
import { findProgram, tryCommand } from "./try-command.ts";

/** Programs around the daemon, tried or asked. */
export function runtimeTrials(signal: AbortSignal): Promise<Feature>[] {
  return [bubblewrap(signal), containerEngines(signal)];
}

/** Limits and Node features, by looking only. */
export function runtimeLooks(): Feature[] {
  return [
    systemd(),
    limit("open-files-limit", "Max open files", 10_000, "systemd: LimitNOFILE=1048576; shell: ulimit -n"),
    limit("processes-limit", "Max processes", 4096, "systemd: LimitNPROC=infinity; shell: ulimit -u"),
    nodeSqlite(),
    nodeCompileCache(),
  ];
}

async function bubblewrap(signal: AbortSignal): Promise<Feature> {
  if (findProgram("bwrap") === undefined) return missing("bubblewrap", "no bwrap program", "apt install bubblewrap");
  const trial = await tryCommand("bwrap", ["--ro-bind", "/", "/", "--unshare-all", "true"], signal);
  if (trial.kind === "worked") return available("bubblewrap", findProgram("bwrap") ?? "bwrap");
  const reason = trial.kind === "failed" ? trial.reason : "it vanished";
  return partial("bubblewrap", `bwrap is there and fails: ${reason}`, "see the namespace features above");
}

function systemd(): Feature {
  const first = readKernelFileIfPresent("/proc/1/comm")?.trim() ?? "unknown";
  return existsSync("/run/systemd/system")
    ? available("systemd", "the first process")
    : missing(
        "systemd",
        `the first process is ${first}`,
        "start the daemon by your own init; `daemon install` needs systemd",
      );
}

async function containerEngines(signal: AbortSignal): Promise<Feature> {
  const states = await Promise.all(
    findEngineSockets().map(async (socket) => ({ socket, state: await probeEngine(socket, { signal }) })),
  );
  const remedy = "systemctl start docker, or systemctl start podman.socket (with --user for your own)";
  if (states.length === 0) return missing("container-engines", "no Docker or Podman socket", remedy);
  const answering = states.flatMap(({ socket, state }) =>
    state.kind === "answering" ? [`${socket.engine} ${state.version} at ${socket.path}`] : [],
  );
  if (answering.length > 0) return available("container-engines", answering.join(", "));
  return partial(
    "container-engines",
    states.map(({ state }) => (state.kind === "silent" ? state.reason : "")).join("; "),
    remedy,
  );
}

function limit(name: FeatureName, row: string, wanted: number, remedy: string): Feature {
  const line = (readKernelFileIfPresent("/proc/self/limits") ?? "").split("\n").find((each) => each.startsWith(row));
  const [soft = "unknown", hard = "unknown"] = line?.slice(row.length).trim().split(/\s+/) ?? [];
  const detail = `${soft} now, ${hard} at most`;
  return hard === "unlimited" || Number(hard) >= wanted ? available(name, detail) : partial(name, detail, remedy);
}

function nodeSqlite(): Feature {
  // Asked for, not loaded: on some lines loading it prints a warning.
  if (nodeModule.isBuiltin("node:sqlite")) return available("node-sqlite", `Node ${process.versions.node}`);
  return missing(
    "node-sqlite",
    `Node ${process.versions.node} has no node:sqlite`,
    "nothing to do: libsql is used instead; Node 22.13 or newer has it built in",
  );
}

function nodeCompileCache(): Feature {
  return "enableCompileCache" in nodeModule
    ? available("node-compile-cache", `Node ${process.versions.node}`)
    : missing(
        "node-compile-cache",
        `Node ${process.versions.node} has no module.enableCompileCache`,
        "Node 22.1 or newer starts scripts faster by it",
      );
}
