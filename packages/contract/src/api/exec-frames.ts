import { ConstellationError, type ErrorBody } from "../errors/error.ts";

/**
 * Frames of `exec` on its WebSocket, both ways: one type byte, then the payload.
 * The instance's side sends `stdout`, `stderr` and at last `exit`; the caller sends `stdin`, `stdin-end`, `resize` and `signal`.
 */
export const execFrame = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** Payload: code (int32 LE, -1 for none), signal number (int32 LE, 0 for none). */
  exit: 3,
  /** Payload: columns (uint16 LE), rows (uint16 LE). */
  resize: 4,
  /** Payload: signal number (uint8). */
  signal: 5,
  /** No payload: the caller's standard input ended. */
  "stdin-end": 6,
  /** Payload: an error body as JSON; the program never ran. */
  error: 7,
} as const;

/** One frame of `exec`. */
export type ExecFrame =
  | { readonly type: "stdin" | "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly type: "exit"; readonly code: number | null; readonly signal: number | null }
  | { readonly type: "resize"; readonly columns: number; readonly rows: number }
  | { readonly type: "signal"; readonly signal: number }
  | { readonly type: "stdin-end" }
  | { readonly type: "error"; readonly error: ErrorBody };

/** The bytes of a frame. */
export function encodeExecFrame(frame: ExecFrame): Uint8Array<ArrayBuffer> {
  const payload = payloadOf(frame);
  const bytes = new Uint8Array(1 + payload.length);
  bytes[0] = execFrame[frame.type];
  bytes.set(payload, 1);
  return bytes;
}

/**
 * Reads the bytes of a frame.
 *
 * @throws ConstellationError `request.invalid` when they are none
 */
export function decodeExecFrame(bytes: Uint8Array): ExecFrame {
  const payload = bytes.subarray(1);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  switch (bytes[0]) {
    case execFrame.stdin:
      return { type: "stdin", bytes: payload };
    case execFrame.stdout:
      return { type: "stdout", bytes: payload };
    case execFrame.stderr:
      return { type: "stderr", bytes: payload };
    case execFrame.exit: {
      wantLength(payload, 8, "exit");
      const signal = view.getInt32(4, true);
      const code = view.getInt32(0, true);
      return { type: "exit", code: code === -1 ? null : code, signal: signal === 0 ? null : signal };
    }
    case execFrame.resize:
      wantLength(payload, 4, "resize");
      return { type: "resize", columns: view.getUint16(0, true), rows: view.getUint16(2, true) };
    case execFrame.signal:
      wantLength(payload, 1, "signal");
      return { type: "signal", signal: view.getUint8(0) };
    case execFrame["stdin-end"]:
      return { type: "stdin-end" };
    case execFrame.error:
      return { type: "error", error: readError(payload) };
    default:
      throw new ConstellationError(
        "request.invalid",
        `An exec frame has type ${String(bytes[0])}; known are 0 to ${execFrame.error}`,
      );
  }
}

function payloadOf(frame: ExecFrame): Uint8Array {
  switch (frame.type) {
    case "stdin":
    case "stdout":
    case "stderr":
      return frame.bytes;
    case "exit":
      return littleEndian(8, (view) => {
        view.setInt32(0, frame.code ?? -1, true);
        view.setInt32(4, frame.signal ?? 0, true);
      });
    case "resize":
      return littleEndian(4, (view) => {
        view.setUint16(0, frame.columns, true);
        view.setUint16(2, frame.rows, true);
      });
    case "signal":
      return Uint8Array.of(frame.signal);
    case "stdin-end":
      return new Uint8Array(0);
    case "error":
      return new TextEncoder().encode(JSON.stringify(frame.error));
  }
}

function littleEndian(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  write(new DataView(bytes.buffer));
  return bytes;
}

function wantLength(payload: Uint8Array, length: number, name: string): void {
  if (payload.length === length) return;
  throw new ConstellationError("request.invalid", `An exec frame "${name}" has ${payload.length} bytes, not ${length}`);
}

function readError(payload: Uint8Array): ErrorBody {
  try {
    return ConstellationError.fromJSON(JSON.parse(new TextDecoder().decode(payload))).toJSON();
  } catch (cause) {
    throw new ConstellationError("request.invalid", "An exec frame holds an error that is not JSON", { cause });
  }
}
