import { type AppSpec, ConstellationError } from "@constellation/contract";
import type { PortBinding, ResolvedRun, StartRequest } from "@constellation/instances";
import type { ArtifactSource } from "./parts.ts";

/** What one launch is made from. */
export interface Launch {
  readonly runId: string;
  readonly index: number;
  readonly revision: number;
  readonly restarts: number;
  readonly spec: AppSpec;
  readonly run: ResolvedRun;
  readonly ports: readonly PortBinding[];
  /** URLs of all apps; its own is left out. */
  readonly urls: Readonly<Record<string, string>>;
}

/** Puts together everything a driver needs for one launch. */
export function startRequest({ runId, index, revision, restarts, spec, run, ports, urls }: Launch): StartRequest {
  const { [spec.name]: _own, ...others } = urls;
  return {
    runId,
    app: spec.name,
    index,
    revision,
    restarts,
    run,
    folder: spec.folder,
    resources: spec.resources,
    isolation: spec.isolation,
    env: spec.env,
    urls: others,
    mounts: spec.mounts,
    ports,
    logs: spec.logs,
    stop: spec.stop,
    ...(spec.warm === undefined ? {} : { warm: spec.warm }),
  };
}

/** What an app executes, with its artifact found. @throws ConstellationError `artifact.not-found` */
export async function resolveRun({ name, run }: AppSpec, artifacts: ArtifactSource): Promise<ResolvedRun> {
  if (run.kind === "command") return run;
  if (run.artifact === null)
    throw new ConstellationError("artifact.not-found", `Cannot start ${name}: its script ${run.path} has no artifact`);
  const { args, runtime = "node" } = run;
  return { kind: "script", file: await artifacts.file(run.artifact).catch(goneFrom(name, run.path)), args, runtime };
}

/** Says of whom the artifact is that is not stored here any more, and how it comes back. */
const goneFrom =
  (app: string, script: string) =>
  (cause: unknown): never => {
    if (!(cause instanceof ConstellationError) || cause.code !== "artifact.not-found") throw cause;
    throw new ConstellationError(
      "artifact.not-found",
      `Cannot start ${app}: what ${script} was bundled into is gone from the disk`,
      {
        remedy: "Send it again with `constellation up`.",
        cause,
      },
    );
  };
