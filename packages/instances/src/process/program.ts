import { dirname } from "node:path";
import { composeEnvironment } from "../environment/environment.ts";
import { fillCommand } from "../environment/fill-command.ts";
import { instanceName, type ResolvedRun, type StartRequest } from "../driver/start-request.ts";
import { type InheritedSocket, listenPreload, portEnvironment, runsNode } from "../ports/index.ts";
import { bunProgram } from "../script/bun-program.ts";
import { nodePrefix, nodeProgram } from "../script/node-program.ts";
import type { ScriptProgram } from "../script/script-program.ts";

/** What is executed: words, environment, sockets, and the files of the machine that it must see. */
export interface Program {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly sockets: readonly InheritedSocket[];
  readonly readable: readonly string[];
}

/** Where the program finds the platform's things. */
export interface ProgramPlace {
  readonly hostname: string;
  readonly dataFolder: string;
  readonly metricsSocket: string;
  /** Writable: here a Node program opens the doors of its shared ports. */
  readonly doorFolder: string;
  /** It has process numbers of its own and is the first process but for its init. */
  readonly ownPids: boolean;
}

const systemPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Puts a request's program together. */
export function programFor(request: StartRequest, place: ProgramPlace): Program {
  const { run, env, ports, stop } = request;
  const node = runsNode(run);
  const inherited = portEnvironment(ports, {
    workloadPid: place.ownPids ? 2 : null,
    preloadFile: node ? listenPreload : null,
    doorFolder: place.doorFolder,
    nodeOptions: env["NODE_OPTIONS"] ?? "",
    // Over before the tree is killed, so that the end is still the program's own.
    drainMs: Math.floor(stop.graceMs * 0.9),
  });
  const prefix = nodePrefix();
  const environment = composeEnvironment(request, {
    path: [...systemPath, ...(prefix === null ? [] : [`${prefix}/bin`])],
    hostname: place.hostname,
    dataFolder: place.dataFolder,
    metricsSocket: place.metricsSocket,
    ports: inherited.variables,
  });
  const script = run.kind === "script" ? scriptProgram(run, request, (environment["PATH"] ?? "").split(":")) : null;
  return {
    argv: fillCommand(script?.argv ?? (run.kind === "command" ? run.argv : []), environment),
    environment,
    sockets: inherited.sockets,
    readable: [
      ...(script?.readable ?? []),
      ...(prefix === null ? [] : [prefix]),
      ...(inherited.sockets.length > 0 && node ? [dirname(listenPreload)] : []),
    ],
  };
}

function scriptProgram(
  run: ResolvedRun & { readonly kind: "script" },
  request: StartRequest,
  path: readonly string[],
): ScriptProgram {
  if (run.runtime === "bun") return bunProgram(run, { folder: request.folder, path }, instanceName(request));
  return nodeProgram(run, request.resources.memoryBytes);
}
