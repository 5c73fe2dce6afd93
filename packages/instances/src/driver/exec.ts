/** A program to run inside an instance. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** A program running inside an instance. */
export interface ExecSession {
  /** Bytes of its output, in order; ends before {@link exit} resolves. */
  readonly output: AsyncIterable<ExecOutput>;
  readonly exit: Promise<{ readonly code: number | null; readonly signal: number | null }>;
  /** Resolves when the bytes are taken, so that a fast caller waits for a slow program. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): void;
  resize(columns: number, rows: number): void;
  signal(number: number): void;
  /** Ends the program and everything it started. */
  close(): Promise<void>;
}

/** Bytes that a program wrote. */
export interface ExecOutput {
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}
