/**
 * Frames of `exec` on its WebSocket, both ways: one type byte, then the payload.
 * The instance's side sends `stdout`, `stderr` and at last `exit`; the caller sends `stdin`, `stdin-end`, `resize` and `signal`.
 */
export const execFrame = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** Payload: code (int32 LE), signal number (int32 LE, 0 for none). */
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
