/** The daemon's program: finds its places, opens what it keeps, builds the tree, serves the API. It alone sees all parts. */
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { ConstellationError, exitCodes, places, toConstellationError } from "@constellation/contract";
import { FileBlobStore, FileLogStore, openFileTelemetry, openSqliteState } from "@constellation/engine";
import { type GlobalConfig, globalConfigFolder, loadGlobalConfig } from "@constellation/guard";
import { bootId, HostError, limitCpuLatency, openCgroupBase, removeCgroupBase } from "@constellation/host";
import { noSlots, ProcessDriver, systemClock, WorkerDriver } from "@constellation/instances";
import { WaitingPort } from "@constellation/instances/ports";
import type { ApiServer } from "./api/index.ts";
import { Artifacts } from "./artifacts/index.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { TelemetryArchive } from "./observe/index.ts";
import { type GuardService, openGuardService } from "./guard/index.ts";
import { type Layout, layoutOf, prepareFolders, privately } from "./paths/index.ts";
import { collectWhenQuiet } from "./collect-when-quiet.ts";
import { boundLog, log } from "./log.ts";
import { cpuLatencyWish, networkWish, warmWish } from "./node/index.ts";
import { openAlone } from "./single/index.ts";
import { version } from "./version.ts";

/** Calls under way get this long when the daemon ends. */
const callsGraceMs = 2000;
/** After this the process ends whatever still hangs; instances do not depend on it. */
const endTimeoutMs = 15_000;

// Node writes its own warnings there, and a full disk must not end the daemon.
process.stderr.on("error", () => undefined);
try {
  await run(layoutOf(places(process.env, process.getuid?.() ?? -1)));
} catch (error) {
  const { message, remedy, traits } = toConstellationError(error);
  log(`${message}${remedy === undefined ? "" : `\n${remedy}`}`);
  if (!(error instanceof ConstellationError)) report("the daemon could not start", error);
  process.exit(exitCodes[traits.exit].code);
}

async function run(layout: Layout): Promise<void> {
  prepareFolders(layout);
  const store = privately(() => openAlone(layout.stateFile, () => openSqliteState({ path: layout.stateFile })));
  boundLog(layout.daemonLogFile);
  const telemetry = openFileTelemetry({ path: layout.telemetryFile });
  const archive = new TelemetryArchive(telemetry);
  // It opens its file when first used.
  const newest = privately(() => archive.last(1)).catch((error: unknown) => {
    report("the history cannot be read, and the daemon goes on without it", error);
    return [];
  });
  const logs = new FileLogStore({ directory: layout.logsFolder });
  const blobs = new FileBlobStore({ directory: layout.blobsFolder });
  keepAwake(cpuLatencyWish(process.env, process.getuid?.() ?? -1));
  // Looking at the machine happens in children of ours; the API is read meanwhile.
  const spares = warmWish(process.env);
  const [processes, { serveApi }] = await Promise.all([
    ProcessDriver.open({
      runtime: layout.runtimeDirectory,
      state: layout.stateDirectory,
      cgroupBase: cgroupBaseOf(layout),
      network: networkWish(process.env, process.getuid?.() ?? -1),
      report,
      // Who wants no program to wait wants nothing to wait.
      ...(spares === 0 ? { slots: noSlots } : {}),
    }),
    import("./api/index.ts"),
  ]);
  const driver = new WorkerDriver(processes, { spares, report });
  const worked = collectWhenQuiet();
  const ending = { asked: false };
  const running: { daemon: Daemon | null; api: ApiServer | null; guard: GuardService | null } = {
    daemon: null,
    api: null,
    guard: null,
  };
  const end = (): void => {
    if (ending.asked) return;
    ending.asked = true;
    setTimeout(() => process.exit(exitCodes.failed.code), endTimeoutMs).unref();
    void close();
  };
  const close = async (): Promise<void> => {
    try {
      await running.guard?.close();
      await running.api?.close(callsGraceMs);
      await running.daemon?.stop();
      await Promise.all([driver.close(), logs.close(), blobs.close()]);
      await telemetry.close().catch((error: unknown) => report("the latest of the history could not be kept", error));
      // Before the state is let go: from then on the next daemon may be making groups below.
      removeUnusedGroups(cgroupBaseOf(layout));
      await store.close();
      process.exit(exitCodes.ok.code);
    } catch (error) {
      report("the daemon did not end in order", error);
      process.exit(exitCodes.failed.code);
    }
  };
  running.daemon = await startDaemon({
    store,
    logs,
    telemetry,
    archive,
    newestEvent: (await newest)[0],
    artifacts: new Artifacts(blobs, layout.artifactsFolder),
    driver,
    portsFolder: layout.portsFolder,
    waitingPort: spares === 0 ? null : new WaitingPort(),
    dataFolder: layout.dataFolder,
    stateDirectory: layout.stateDirectory,
    clock: systemClock,
    random: Math.random,
    bootId: () => bootId(),
    report,
    worked,
    // After the caller has its answer.
    quit: () => setImmediate(end),
    lost: (reason) => {
      // As after a kill: the next daemon adopts what runs, and this one would only look as if it watched over it.
      report("the daemon gave itself up", reason);
      process.exit(exitCodes.bug.code);
    },
  });
  running.api = await serveApi(running.daemon.platform, {
    socketPath: layout.socketPath,
    report: (id, fault) => report(`fault ${id} in an API call`, fault),
    tell: report,
    worked,
  });
  running.guard = await openGuardService({
    socketPath: layout.guardSocketPath,
    folder: layout.guardFolder,
    config: await guardSettings(),
    report,
  });
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("unhandledRejection", (reason) => report("a promise failed and nobody listened", reason));
  process.on("uncaughtException", (error) => {
    // Nothing is lost by it: instances go on, and the next daemon adopts them.
    report("a fault outside every part; the daemon ends", error);
    process.exit(exitCodes.bug.code);
  });
  report(`constellation ${version} serves ${layout.socketPath} as process ${process.pid}`);
}

/** For as long as this process lives. A machine that cannot do it runs its apps as well, a little later: `doctor` says so, too. */
function keepAwake(withinUs: number | null): void {
  try {
    if (withinUs !== null) limitCpuLatency(withinUs);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    report(`CONSTELLATION_CPU_LATENCY=${withinUs} changes nothing: ${error.message}`);
  }
}

/** A file that cannot be read keeps no app from running: guarded runs go by the defaults, and `constellation test` refuses it. */
async function guardSettings(): Promise<GlobalConfig> {
  try {
    return (await loadGlobalConfig(globalConfigFolder())).config;
  } catch (error) {
    report("settings of guarded runs are left out of account", error);
    return {};
  }
}

/** The control group that all instances lie below goes with the daemon when none is left in it. */
function removeUnusedGroups(name: string): void {
  const base = openCgroupBase({ name });
  if (base.kind === "ready") removeCgroupBase(base.base);
}

/** Two daemons of one machine must not share control groups: each state directory has its own. */
function cgroupBaseOf({ stateDirectory }: Layout): string {
  if (stateDirectory === places({}, 0).stateDirectory) return "constellation";
  return `constellation-${createHash("sha256").update(stateDirectory).digest("hex").slice(0, 8)}`;
}

function report(text: string, error?: unknown): void {
  log(`${new Date().toISOString()} ${text}${error === undefined || error === null ? "" : `: ${detailOf(error)}`}`);
}

function detailOf(error: unknown): string {
  if (error instanceof Error) return error.stack ?? error.message;
  return typeof error === "string" ? error : inspect(error);
}
