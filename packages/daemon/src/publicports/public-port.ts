import {
  type Endpoint,
  formatEndpoint,
  PortProcess,
  type Sharing,
  type WaitingPort,
} from "@constellation/instances/ports";

/** How a public port is served; all of it can change while the port stays open, but the endpoint. */
export interface PublicPortOptions extends Endpoint {
  /** Folder of the port process. */
  readonly folder: string;
  readonly sharing: Sharing;
  /** Processes that may have the port's socket although its own process is gone. */
  readonly holders: () => Promise<readonly number[]>;
  /** Nothing is done before this is settled: the end of an earlier one of the same place. */
  readonly after: Promise<unknown>;
  /** A port process that waits, for whoever comes first; null: none does. */
  readonly waiting: WaitingPort | null;
  /** Told when the port process is gone although it was not closed. */
  readonly onLost: () => void;
}

/** Longest time for closing forwarded connections when a port is given up. */
const closeGraceMs = 2000;

/**
 * One public port of an app: its process is adopted when an earlier daemon has left one, started when there is none, and
 * left alone when this daemon ends. Calls stand in a line, so that they may come at any time.
 */
export class PublicPort {
  readonly #options: PublicPortOptions;
  readonly #watch = new AbortController();
  #line: Promise<unknown>;
  #process: PortProcess | null = null;
  #sharing: Sharing;
  #backends = "";

  constructor(options: PublicPortOptions) {
    this.#options = options;
    this.#sharing = options.sharing;
    this.#line = options.after.catch(() => undefined);
  }

  get port(): number {
    return this.#options.port;
  }

  get address(): string {
    return this.#options.address;
  }

  /** Of its process, when this daemon knows it. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get sharing(): Sharing {
    return this.#sharing;
  }

  /**
   * Whether its process is known to this daemon; false also while that is being found out. One whose folder somebody deleted
   * is ended, which is told as any other end of it.
   */
  lookAfter(): boolean {
    this.#process?.endUnreachable();
    return this.#process !== null;
  }

  /** Makes it served, in this way. @throws ConstellationError `port.in-use`, `access.denied` */
  open(sharing: Sharing, signal?: AbortSignal): Promise<PortProcess> {
    return this.#next(async () => {
      this.#process ??= await this.#obtain(sharing, signal);
      if (this.#sharing !== sharing) {
        await this.#process.setSharing(sharing);
        this.#sharing = sharing;
      }
      return this.#process;
    });
  }

  /** Sends new connections to these and to nobody else. Does nothing while the port is not open. */
  setBackends(backends: readonly Endpoint[]): Promise<void> {
    const wanted = [...new Set(backends.map(formatEndpoint))].sort().join(" ");
    return this.#next(async () => {
      if (this.#process === null || this.#backends === wanted) return;
      await this.#process.setBackends(backends);
      this.#backends = wanted;
    });
  }

  /** Waits until a backend that gets no new connections has ended those it has, at most so long. */
  async drain(backend: Endpoint, timeoutMs: number): Promise<void> {
    // Not in the line: others may change the backends while this one ends.
    await this.#process?.drain(backend, { timeoutMs });
  }

  /** Gives the port up. */
  close(): Promise<void> {
    return this.#next(async () => {
      this.#watch.abort();
      const process = this.#process ?? (await PortProcess.adopt(this.#options.folder));
      this.#process = null;
      await process?.close({ graceMs: closeGraceMs });
    });
  }

  /** Lets go of it; it stays open. */
  detach(): void {
    this.#watch.abort();
  }

  async #obtain(sharing: Sharing, signal: AbortSignal | undefined): Promise<PortProcess> {
    const { folder, address, port, holders, waiting } = this.#options;
    const call = signal === undefined ? {} : { signal };
    const found = await PortProcess.adopt(folder, call);
    if (found !== undefined && formatEndpoint(found) !== formatEndpoint({ address, port })) await found.close();
    else if (found !== undefined) {
      const stats = await found.stats(call);
      this.#sharing = stats.sharing;
      // What it has now is not asked: the first list of this daemon replaces it, whatever it is.
      this.#backends = "unknown";
      return this.#watched(found);
    }
    this.#sharing = sharing;
    this.#backends = "";
    const wanted = { folder, address, port, sharing, holders: await holders() };
    return this.#watched(await PortProcess.start(wanted, { ...call, waiting }));
  }

  #watched(process: PortProcess): PortProcess {
    // A start may be waiting for the port: it goes first.
    setImmediate(() => void this.#lookOut(process));
    return process;
  }

  async #lookOut(process: PortProcess): Promise<void> {
    try {
      await process.ended({ signal: this.#watch.signal });
    } catch {
      return; // we let go of it
    }
    if (this.#process !== process) return;
    this.#process = null;
    this.#options.onLost();
  }

  #next<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#line.then(task);
    this.#line = result.catch(() => undefined);
    return result;
  }
}
