import { onAbort } from "../abort.ts";
import type { BlobSource } from "./blob-store.ts";

/**
 * The source's pieces until the signal aborts, also while the source is silent: an upload must not wait for it for ever.
 * @throws the signal's reason
 */
export async function* piecesOf(
  source: BlobSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted();
  if (source instanceof Uint8Array) {
    yield source;
    return;
  }
  const pieces = source[Symbol.asyncIterator]();
  let giveUp = (): void => undefined;
  const forget = onAbort(signal, () => giveUp());
  // Not by a race with one abort for all of them, which would keep every piece until the end.
  const nextPiece = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, reject) => {
      giveUp = () => reject(signal?.reason as Error);
      pieces.next().then(resolve, reject);
    });
  let isOver = false;
  try {
    while (!isOver) {
      const next = await nextPiece();
      isOver = next.done === true;
      if (next.done !== true) yield next.value;
      signal?.throwIfAborted();
    }
  } finally {
    forget();
    // Not waited for: a source that is stuck would hold us up here, too.
    if (!isOver) void Promise.resolve(pieces.return?.()).catch(() => undefined);
  }
}
