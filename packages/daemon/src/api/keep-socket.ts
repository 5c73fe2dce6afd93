import { lstatSync } from "node:fs";
import type { Server } from "node:net";
import { claimSocket } from "./claim-socket.ts";

/** How long callers may find no socket where somebody has deleted it. */
const lookMs = 2000;

/** What keeping a socket needs. */
export interface KeptSocket {
  readonly path: string;
  /** Told what went wrong, and that it was mended. */
  readonly tell: (text: string, error?: unknown) => void;
  /** @default every 2 s */
  readonly everyMs?: number | undefined;
}

/**
 * Makes the socket anew where somebody has deleted it: a daemon that nobody can reach could neither be used nor be asked to
 * stop, and holds the state, so that no other one can start. Calls under way go on. Call what it returns to end it.
 */
export function keepSocket(server: Server, { path, tell, everyMs = lookMs }: KeptSocket): () => void {
  const state = { ended: false, troubled: false };
  const look = async (): Promise<void> => {
    try {
      // Whatever else lies there now is not ours to replace.
      if (state.ended || lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
      // It gives up what nobody can reach any more; what is connected stays so.
      if (server.listening) server.close();
      await claimSocket(server, path);
      if (state.ended) return void server.close();
      state.troubled = false;
      tell(`${path} was deleted; it is there again`);
    } catch (error) {
      if (!state.troubled) tell(`${path} was deleted, and cannot be made anew; this is tried again and again`, error);
      state.troubled = true;
    }
  };
  // One after the other: a look may wait for the disk.
  let timer: NodeJS.Timeout;
  const again = (): void => {
    timer = setTimeout(() => void look().finally(() => state.ended || again()), everyMs);
    timer.unref();
  };
  again();
  return () => {
    state.ended = true;
    clearTimeout(timer);
  };
}
