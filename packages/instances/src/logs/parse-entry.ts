/** One entry of a log file in CRI format, as the supervisor writes it: `time stream F|P text`. */
export interface LogEntry {
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** False: the line goes on in the next entry of its stream. */
  readonly whole: boolean;
  readonly text: string;
}

const form = /^(\S{20,40}) (stdout|stderr) ([FP]) ?(.*)$/s;

/** Parses one entry; null for anything else, such as the torn end of a file after a power failure. */
export function parseEntry(line: string): LogEntry | null {
  const match = form.exec(line);
  if (match === null) return null;
  const [, time = "", stream, tag, text = ""] = match;
  return { time, stream: stream === "stderr" ? "stderr" : "stdout", whole: tag === "F", text };
}
