import { spawn } from "node:child_process";
import { constants } from "node:os";
import { once } from "node:events";
import { ConstellationError } from "@constellation/contract";
import type { ExecRequest, ExecSession } from "../../src/platform/index.ts";

type Output = { readonly stream: "stdout" | "stderr"; readonly bytes: Uint8Array };

/** Runs a program of this machine as an exec session, without a terminal. */
export async function childSession({ argv }: ExecRequest): Promise<ExecSession> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw new ConstellationError("exec.failed", `Cannot run ${program}: it is not a program of this machine`, {
      cause,
    });
  }
  child.stdin.on("error", () => undefined);
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  return {
    output: outputOf(child.stdout, child.stderr),
    exit: closed.then(([code, signal]) => ({ code, signal: signal === null ? null : constants.signals[signal] })),
    write: async (bytes) => {
      if (!child.stdin.write(bytes)) await Promise.race([once(child.stdin, "drain"), closed]);
    },
    endInput: () => void child.stdin.end(),
    resize: () => undefined,
    signal: (number) => void child.kill(number),
    close: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

async function* outputOf(stdout: AsyncIterable<Buffer>, stderr: AsyncIterable<Buffer>): AsyncGenerator<Output> {
  const sources = (["stdout", "stderr"] as const).map((stream) => ({
    stream,
    iterator: (stream === "stdout" ? stdout : stderr)[Symbol.asyncIterator](),
  }));
  const next = (source: (typeof sources)[number]) => source.iterator.next().then((result) => ({ source, result }));
  const pending = new Map(sources.map((source) => [source, next(source)]));
  while (pending.size > 0) {
    const { source, result } = await Promise.race(pending.values());
    if (result.done === true) {
      pending.delete(source);
      continue;
    }
    pending.set(source, next(source));
    yield { stream: source.stream, bytes: result.value };
  }
}
