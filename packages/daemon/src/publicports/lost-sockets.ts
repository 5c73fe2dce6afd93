import type { LiveRun, Observations } from "../agent/index.ts";
import { isInUse } from "./holder.ts";
import { keyOf } from "./port-key.ts";

/** Longest time that a start waits for a port that its own app still holds. */
const recycleTimeoutMs = 30_000;
/** Processes that are asked for a socket that was lost. */
const askedHolders = 64;

/** What is done about a socket that was lost with its process. */
export interface LostSocketsParts {
  readonly observations: Observations;
  readonly report: (text: string, error: unknown) => void;
  /** Restarts all instances of an app at once. */
  readonly recycle: (app: string) => void;
}

/**
 * Ports whose process was killed while instances still have their socket. It is taken back from one of those who share it.
 * Where the kernel refuses that, they serve on, but nobody new can join them: all of them are started anew with a new socket.
 */
export class LostSockets {
  readonly #parts: LostSocketsParts;
  /** When the instances of a port were told to go: it can be opened when the last one has let go. */
  readonly #recycled = new Map<string, number>();

  constructor(parts: LostSocketsParts) {
    this.#parts = parts;
  }

  /** Whether a port that cannot be opened is had by instances of its app, which are started anew for that. */
  recycle(key: string, app: string, error: unknown): boolean {
    if (!isInUse(error)) return false;
    if (this.#sharers(app, key).length === 0) return false;
    const since = this.#recycled.get(key);
    // Again after a while: a start that was under way may have taken the old socket along.
    if (since === undefined || performance.now() - since > recycleTimeoutMs) {
      this.#recycled.set(key, performance.now());
      this.#parts.report(`the socket of ${key} is lost; all instances of ${app} are restarted`, null);
      this.#parts.recycle(app);
    }
    return true;
  }

  /** Its last holders have been told to go. */
  isFreedSoon(key: string, error: unknown): boolean {
    const since = this.#recycled.get(key);
    return isInUse(error) && since !== undefined && performance.now() - since < recycleTimeoutMs;
  }

  /** It is open again. */
  forget(key: string): void {
    this.#recycled.delete(key);
  }

  /** Processes of those who share a port, main ones first: those have it unless the program is a child of theirs. */
  async holders(app: string, key: string): Promise<number[]> {
    const sharers = this.#sharers(app, key).slice(0, askedHolders);
    const trees = await Promise.all(sharers.map(({ handle }) => handle.inspect()));
    const all = trees.flatMap(({ processes }) => processes.map(({ pid }) => pid));
    return [...new Set([...sharers.map(({ handle }) => handle.facts.pid), ...all])].slice(0, askedHolders);
  }

  /** Runs that share the listening socket of a port. */
  #sharers(app: string, key: string): LiveRun[] {
    const runs = this.#parts.observations.list(app).flatMap(({ run }) => run ?? []);
    return runs.filter(({ ports }) => ports.some((port) => port.mode === "shared" && keyOf(app, port) === key));
  }
}
