import type { Constellation } from "@constellation/sdk";
import type { Context } from "../context.ts";
import { daemonIsGone } from "./gone.ts";
import { runningDaemon } from "./running.ts";

/** Asks the daemon that runs; when none does, one is started for the question and stopped again. */
export async function withDaemon<T>(
  context: Context,
  ask: (daemon: Constellation, startedForThis: boolean) => Promise<T>,
): Promise<T> {
  const { client, signal } = context;
  if ((await runningDaemon(context)) !== null) return ask(await client({ start: false }), false);
  const daemon = await client({ start: true });
  try {
    return await ask(daemon, true);
  } finally {
    const { pid } = await daemon.version();
    await daemon.stopDaemon();
    await daemonIsGone(daemon.places.socketPath, pid, signal);
  }
}
