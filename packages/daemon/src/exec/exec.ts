import { ConstellationError } from "@constellation/contract";
import type { Observations } from "../agent/index.ts";
import type { CallOptions, ExecRequest, ExecSession } from "../platform/index.ts";

/** Runs a program beside the one of an instance. @throws ConstellationError `instance.not-found`, `instance.not-running`, `exec.failed` */
export async function execIn(
  observations: Observations,
  name: string,
  request: ExecRequest,
  options: CallOptions,
): Promise<ExecSession> {
  const instance = observations.get(name);
  if (instance === undefined) throw instanceNotFound(name);
  if (instance.run === null || instance.state.status !== "running")
    throw new ConstellationError(
      "instance.not-running",
      `Cannot run ${JSON.stringify(request.argv[0])} in ${name}: it is ${instance.state.status}`,
      { remedy: "Choose an instance that runs; `constellation ps` lists them." },
    );
  return instance.run.handle.exec(request, options);
}

/** There is no instance of this name. */
export function instanceNotFound(name: string): ConstellationError {
  return new ConstellationError("instance.not-found", `There is no instance named ${name}`, {
    remedy: "List the instances with `constellation ps`.",
  });
}
