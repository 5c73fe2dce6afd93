import type { LaunchRequest } from "../request.ts";
import type { Step } from "./plan.ts";
import { steps } from "./steps.ts";

/** Where programs are looked for when the environment names no PATH (execvp(3)). */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const LISTEN_PID = "LISTEN_PID=";
const ROOM_FOR_PID = "0000000000";

/** The exec of a command: every place where it may be, its words, its whole environment. */
export function execStep({ argv, env }: Pick<LaunchRequest, "argv" | "env">): Step {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const wantsPid = env["LISTEN_FDS"] !== undefined && env["LISTEN_PID"] === undefined;
  const pidText = LISTEN_PID + ROOM_FOR_PID;
  return steps.exec(
    candidates(argv[0] ?? "", env["PATH"] ?? DEFAULT_PATH),
    argv,
    wantsPid ? [...variables, pidText] : variables,
    wantsPid ? { text: pidText, at: LISTEN_PID.length } : null,
  );
}

function candidates(program: string, path: string): string[] {
  if (program.includes("/")) return [program];
  return path.split(":").map((folder) => `${folder === "" ? "." : folder}/${program}`);
}
