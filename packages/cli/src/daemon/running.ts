import { ConstellationError, type Version } from "@constellation/sdk";
import type { Context } from "../context.ts";

/** The daemon that runs, or `null` when none does. */
export async function runningDaemon({ client, signal }: Context): Promise<Version | null> {
  try {
    return await (await client({ start: false })).version({ signal });
  } catch (error) {
    if (error instanceof ConstellationError && error.code === "daemon.unreachable") return null;
    throw error;
  }
}
