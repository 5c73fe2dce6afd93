import { ConstellationError, decodeExecFrame, type ExecFrame } from "@constellation/contract";
import type { WebSocket } from "ws";

/** Frames taken but not read yet before the socket rests. */
const maxUnreadFrames = 64;

/**
 * Frames of a socket in the order of their coming; the socket rests while nobody takes them.
 * Listens from the call on, not from the first read, so that no frame is missed.
 */
export function readExecFrames(socket: WebSocket, instance: string): AsyncIterable<ExecFrame> {
  const unread: ExecFrame[] = [];
  let failure: Error | null = null;
  let wake = (): void => undefined;
  socket.on("message", (data: Buffer) => {
    unread.push(decodeExecFrame(data));
    if (unread.length >= maxUnreadFrames) socket.pause();
    wake();
  });
  socket.on("error", (error) => {
    failure ??= error;
    wake();
  });
  socket.on("close", () => {
    failure ??= new ConstellationError(
      "daemon.unreachable",
      `The connection to ${instance} ended before its program did`,
    );
    wake();
  });
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const frame = unread.shift();
        if (frame !== undefined) yield frame;
        else if (failure !== null) throw failure;
        else {
          socket.resume();
          await new Promise<void>((resolve) => (wake = resolve));
        }
      }
    },
  };
}
