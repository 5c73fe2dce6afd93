import type { AppSpec } from "@constellation/contract";
import type { CallOptions, Driver, RunHandle, StartRequest } from "@constellation/instances";

/** A driver that knows which of its starts and releases are still under way, so that whoever lets go of an instance can wait for them. */
export class InFlight implements Driver {
  readonly #driver: Driver;
  readonly #under = new Set<Promise<unknown>>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  get name(): string {
    return this.#driver.name;
  }

  probe(): ReturnType<Driver["probe"]> {
    return this.#driver.probe();
  }

  check(spec: AppSpec): Promise<void> {
    return this.#driver.check(spec);
  }

  start(request: StartRequest, options: CallOptions): Promise<RunHandle> {
    return this.#track(this.#driver.start(request, options));
  }

  recover(runId: string, options: CallOptions): ReturnType<Driver["recover"]> {
    return this.#track(this.#driver.recover(runId, options));
  }

  list(): ReturnType<Driver["list"]> {
    return this.#driver.list();
  }

  /** To clear up takes a millisecond, and the next run may just have begun: the news of that go first. */
  release(runId: string): Promise<void> {
    const told = new Promise((resolve) => setImmediate(resolve));
    return this.#track(told.then(() => this.#driver.release(runId)));
  }

  forget(app: string): Promise<boolean> {
    return this.#driver.forget(app);
  }

  forgetUnwritten(app: string): Promise<void> {
    return this.#driver.forgetUnwritten(app);
  }

  /** The driver itself belongs to somebody else. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves when nothing is under way, or after `timeoutMs`. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#under.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([Promise.allSettled(this.#under), late]);
    clearTimeout(timer);
  }

  async #track<T>(call: Promise<T>): Promise<T> {
    this.#under.add(call);
    try {
      return await call;
    } finally {
      this.#under.delete(call);
    }
  }
}
