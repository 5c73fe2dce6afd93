/** A pending call made with `Host.after`. */
export interface HostTimer {
  cancel(): void;
  /** Lets the process end although this timer is pending, where the host has such a notion. */
  unref?(): void;
  /** Takes `unref` back. */
  ref?(): void;
}

/** How loud a line of `Host.log` is. */
export type LogLevel = "info" | "warn" | "error";

/**
 * Everything the runtime needs from the world around it: a clock, two ways to be called again, one timer, chance and
 * a log. The default host is the JavaScript engine's event loop; the test kit has one with virtual time.
 */
export interface Host {
  /** Milliseconds on a clock that never goes back. */
  nowMs(): number;
  /** Calls `task` before the event loop goes on (a microtask). */
  soon(task: () => void): void;
  /** Calls `task` after timers and I/O of the host have had their turn. */
  later(task: () => void): void;
  /** Calls `task` once after `delayMs`. */
  after(delayMs: number, task: () => void): HostTimer;
  /** A number in [0, 1), for jitter and choice. */
  random(): number;
  log(level: LogLevel, text: string, detail?: unknown): void;
}

/** Calls a listener that is not ours. What it throws is logged: whoever calls has others to tell. */
export function tell<Value>(host: Host, listener: (value: Value) => void, value: Value): void {
  try {
    listener(value);
  } catch (error) {
    host.log("error", "a listener of the actor system failed", error);
  }
}

/** Its `then` is a microtask at half the cost of `queueMicrotask`, which in Node also makes an async resource. */
const settled = Promise.resolve();

/** The host for a normal program: Node, a browser or a worker. */
export function defaultHost(): Host {
  return {
    nowMs: () => performance.now(),
    soon: (task) => void settled.then(task),
    later: macrotask(),
    after,
    random: Math.random,
    log: (level, text, detail) => (detail === undefined ? console[level](text) : console[level](text, detail)),
  };
}

/** `setTimeout` fires early beyond 2^31 - 1 ms; a longer delay is cut and the wheel arms it again. */
const longestTimeoutMs = 2 ** 31 - 1;

function after(delayMs: number, task: () => void): HostTimer {
  const handle: { ref?(): unknown; unref?(): unknown } | number = setTimeout(task, Math.min(delayMs, longestTimeoutMs));
  return {
    cancel: () => clearTimeout(handle as ReturnType<typeof setTimeout>),
    unref: () => typeof handle === "object" && handle.unref?.(),
    ref: () => typeof handle === "object" && handle.ref?.(),
  };
}

/** setImmediate where there is one (Node); elsewhere a message channel, which browsers do not delay by 4 ms. */
export function macrotask(): (task: () => void) => void {
  if (typeof setImmediate === "function") return (task) => void setImmediate(task);
  const tasks: (() => void)[] = [];
  const channel = new MessageChannel();
  channel.port1.addEventListener("message", () => tasks.shift()?.());
  channel.port1.start();
  return (task) => {
    tasks.push(task);
    channel.port2.postMessage(undefined);
  };
}
