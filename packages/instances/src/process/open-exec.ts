import { ConstellationError } from "@constellation/contract";
import type { Cgroup } from "@constellation/host";
import type { ExecOutput, ExecRequest, ExecSession } from "../driver/exec.ts";
import { instanceName } from "../driver/start-request.ts";
import {
  buildExecPlan,
  ExecSession as LaunchedSession,
  type HostFacts,
  LaunchError,
  type PidFile,
} from "../launch/index.ts";
import type { RunRecord } from "./run-record.ts";
import { awaitWrappedProgram } from "./wrapper/wrapped-program.ts";
import { hasOwnMounts } from "./wrapper/wrapper.ts";

/** The run in which a program is to be executed. */
export interface ExecPlace {
  readonly record: RunRecord;
  readonly pids: PidFile;
  readonly cgroup: Cgroup | null;
  readonly host: HostFacts;
  /** Aborts when the run has ended. */
  readonly over: AbortSignal;
}

/** Time in which the last words of a command are taken when its instance has ended; until then its disk is in use. */
const lastWordsMs = 1000;

/**
 * Runs a program with the view, the limits and the protections of a run.
 *
 * @throws ConstellationError `exec.failed`, `instance.not-running`, `call.cancelled`
 */
export async function openExec(request: ExecRequest, place: ExecPlace, signal: AbortSignal): Promise<ExecSession> {
  const name = instanceName(place.record.request);
  const what = JSON.stringify(request.argv[0]);
  if (signal.aborted)
    throw new ConstellationError("call.cancelled", `Cannot execute ${what} in ${name}: it was cancelled`);
  try {
    const main = await programIn(place, signal);
    const session = LaunchedSession.start(planFor(request, place, main), { signal });
    await session.started;
    closeSoonAfter(place.over, session);
    return new RunningExec(session);
  } catch (error) {
    if (signal.aborted)
      throw new ConstellationError("call.cancelled", `Cannot execute ${what} in ${name}: it was cancelled`, {
        cause: error,
      });
    const ended = error instanceof LaunchError && (error.code === "INVALID_REQUEST" || error.errnoCode === "ESRCH");
    throw new ConstellationError(
      ended ? "instance.not-running" : "exec.failed",
      `Cannot execute ${what} in ${name}: ${whyNot(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** The steps of a launch speak of a start; here the instance has started long ago. */
function whyNot(error: unknown): string {
  if (error instanceof LaunchError && error.reason !== undefined)
    return error.step === undefined || error.step.name === "EXEC"
      ? error.reason
      : `${error.step.says} failed: ${error.reason}`;
  return error instanceof Error ? error.message : String(error);
}

function closeSoonAfter(over: AbortSignal, session: LaunchedSession): void {
  const close = (): void => void setTimeout(() => session.close(), lastWordsMs).unref();
  if (over.aborted) return close();
  over.addEventListener("abort", close, { once: true });
  void session.ended.catch(() => {}).finally(() => over.removeEventListener("abort", close));
}

function planFor(request: ExecRequest, { record, pids, cgroup, host }: ExecPlace, main: PidFile["main"]) {
  const { launch } = record;
  const { isolation, user, network, cwd } = record.inside ?? launch;
  // Descriptors of the public port stay with the program that serves it.
  const {
    LISTEN_FDS: _fds,
    LISTEN_PID: _pid,
    LISTEN_FDNAMES: _names,
    CONSTELLATION_LISTEN: _listen,
    ...env
  } = record.facts.environment;
  return buildExecPlan(
    {
      name: launch.identity.name,
      pids: { ...pids, main },
      argv: request.argv,
      env: { ...withoutPreload(env), ...(request.tty ? { TERM: "xterm-256color" } : {}) },
      cwd,
      isolation: record.wrapper === null ? isolation : { ...isolation, root: hasOwnMounts(record.wrapper, isolation) },
      user,
      ownNetwork: network.kind !== "host",
      rlimits: launch.rlimits,
      cgroups: cgroup?.joinTargets ?? [],
      terminal: request.tty ? { rows: request.rows, columns: request.columns } : null,
    },
    host,
  );
}

async function programIn({ record, pids }: ExecPlace, signal: AbortSignal): Promise<PidFile["main"]> {
  if (record.wrapper === null) return pids.main;
  const program = await awaitWrappedProgram(record, pids, signal);
  return program === undefined ? null : { pid: program.pid, startTicks: BigInt(program.startTicks) };
}

/** NODE_OPTIONS as the spec has it: our preload wants the descriptors that are not there. */
function withoutPreload(env: Readonly<Record<string, string>>): Record<string, string> {
  const { NODE_OPTIONS: options, ...rest } = env;
  const own = options?.replace(/ ?--require "[^"]*listen\.cjs"/, "").trim() ?? "";
  return own === "" ? rest : { ...rest, NODE_OPTIONS: own };
}

class RunningExec implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>;
  readonly exit: Promise<{ readonly code: number | null; readonly signal: number | null }>;
  readonly #session: LaunchedSession;

  constructor(session: LaunchedSession) {
    this.#session = session;
    this.output = merged(session);
    this.exit = session.ended.then((end) =>
      end.kind === "exited" ? { code: end.exitCode, signal: null } : { code: null, signal: end.signal },
    );
    // Whoever only reads the output must not be ended by a session that was closed.
    this.exit.catch(() => {});
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#session.write(bytes);
  }

  endInput(): void {
    this.#session.endInput();
  }

  resize(columns: number, rows: number): void {
    this.#session.resize({ columns, rows });
  }

  signal(number: number): void {
    this.#session.signal(number);
  }

  async close(): Promise<void> {
    this.#session.close();
    await this.exit.catch(() => {});
  }
}

/** Both streams in the order in which they come; each is read only as fast as the result is. */
async function* merged(session: LaunchedSession): AsyncIterable<ExecOutput> {
  const sources = [
    { stream: "stdout", chunks: session.output[Symbol.asyncIterator]() },
    { stream: "stderr", chunks: session.errorOutput[Symbol.asyncIterator]() },
  ] as const;
  type Source = (typeof sources)[number];
  const come: { readonly source: Source; readonly result: ReturnType<Source["chunks"]["next"]> }[] = [];
  let wake = (): void => undefined;
  // Not by a race of the two: a stream that is silent would keep whatever the other one ever said.
  const read = (source: Source): void => {
    const result = source.chunks.next();
    const tell = (): void => {
      come.push({ source, result });
      wake();
    };
    result.then(tell, tell);
  };
  sources.forEach(read);
  for (let open = sources.length; open > 0;) {
    const first = come.shift();
    if (first === undefined) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    const { done, value } = await first.result;
    if (done === true) open -= 1;
    else {
      yield { stream: first.source.stream, bytes: value as Uint8Array };
      read(first.source);
    }
  }
}
