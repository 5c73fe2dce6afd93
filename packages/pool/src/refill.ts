/**
 * When to make new spares. A worker that warms up takes a core for 200 ms and more; done at once, a refill makes the
 * next hand-overs of the same burst ten times slower. So it waits until no worker was handed over for `delayMs`.
 */
export class Refill {
  readonly #delayMs: number;
  readonly #startOne: () => boolean;
  #timer: NodeJS.Timeout | null = null;
  #quietFromMs = 0;
  #closed = false;

  /** `startOne` starts one spare and says whether one was missing. */
  constructor(delayMs: number, startOne: () => boolean) {
    this.#delayMs = delayMs;
    this.#startOne = startOne;
  }

  /** A worker was handed over: not now. */
  later(): void {
    this.#quietFromMs = performance.now() + this.#delayMs;
    this.#arm();
  }

  /** Somebody waits, or the spares are below their minimum: quiet does not matter. */
  atOnce(): void {
    if (this.#closed) return;
    while (this.#startOne());
  }

  /** One has become warm: go on, if it is quiet. */
  next(): void {
    if (performance.now() >= this.#quietFromMs) this.atOnce();
    else this.#arm();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.next();
      },
      Math.max(0, this.#quietFromMs - performance.now()),
    );
  }
}
