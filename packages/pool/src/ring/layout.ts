/** A ring as it crosses to another thread: shared memory and its shape. Give it in `data` or `workerData`. */
export interface SharedRing {
  readonly memory: SharedArrayBuffer;
  /** Bytes of one frame, a multiple of 8. */
  readonly frameBytes: number;
  /** Frames that fit, a power of two. */
  readonly frames: number;
}

/** Where the counters are, as indices of an Int32Array; writer's and reader's on cache lines of their own. */
export const at = {
  /** Frames ever written; wraps around. */
  written: 0,
  overruns: 1,
  /** The reader's bell: 1 while it sleeps. */
  readerSleeps: 2,
  /** Frames ever read; wraps around. */
  read: 16,
  underruns: 17,
  /** The writer's bell. */
  writerSleeps: 18,
  closed: 32,
} as const;

const headerBytes = 256;

/** Looks at a counter that together take about as long as to be woken, 15 to 30 µs. */
export const mostLooks = 2000;

/** Makes a ring. @throws RangeError unless `frames` is a power of two and `frameBytes` a multiple of 8. */
export function createRing(options: { readonly frames: number; readonly frameBytes: number }): SharedRing {
  const { frames, frameBytes } = options;
  if (!Number.isSafeInteger(frames) || frames < 1 || frames > 2 ** 30 || (frames & (frames - 1)) !== 0)
    throw new RangeError(`Cannot make a ring of ${frames} frames: wanted a power of two`);
  if (!Number.isSafeInteger(frameBytes) || frameBytes < 8 || frameBytes % 8 !== 0)
    throw new RangeError(`Cannot make a ring of frames of ${frameBytes} bytes: wanted a multiple of 8`);
  return { memory: new SharedArrayBuffer(headerBytes + frames * frameBytes), frames, frameBytes };
}

/** The counters of a ring. */
export function countersOf(ring: SharedRing): Int32Array {
  return new Int32Array(ring.memory, 0, headerBytes / 4);
}

/** One view for each frame, made once: nothing is allocated when frames pass. */
export function slotsOf<View>(ring: SharedRing, view: FrameView<View>): View[] {
  const length = ring.frameBytes / view.BYTES_PER_ELEMENT;
  return Array.from(
    { length: ring.frames },
    (_, index) => new view(ring.memory, headerBytes + index * ring.frameBytes, length),
  );
}

/** How frames are looked at: `Float32Array`, `Uint8Array`, … */
export interface FrameView<View> {
  readonly BYTES_PER_ELEMENT: number;
  new (memory: SharedArrayBuffer, offset: number, length: number): View;
}
