import type { RunHandle } from "../driver/driver.ts";
import { signalName } from "../driver/signal-names.ts";
import type { ProbeResult } from "./probe-result.ts";

/** Bytes of a probe's output that are kept for its detail. */
const keptBytes = 256;

/** Runs a program inside the instance; code 0 is success. At the abort of `signal` it is ended. */
export async function probeExec(handle: RunHandle, argv: readonly string[], signal: AbortSignal): Promise<ProbeResult> {
  const session = await handle.exec({ argv, tty: false, columns: 80, rows: 24 }, { signal });
  const late = (): void => void session.close();
  signal.addEventListener("abort", late, { once: true });
  try {
    session.endInput();
    const said = await tail(session.output);
    const { code, signal: endedBy } = await session.exit;
    if (signal.aborted) return { ok: false, detail: "it did not end in time" };
    const how = code === null ? `ended by ${signalName(endedBy ?? 0)}` : `code ${code}`;
    return { ok: code === 0, detail: code === 0 || said === "" ? how : `${how}: ${said}` };
  } finally {
    signal.removeEventListener("abort", late);
    await session.close();
  }
}

/** The last bytes of an output as one line. */
async function tail(output: AsyncIterable<{ readonly bytes: Uint8Array }>): Promise<string> {
  let kept = Buffer.alloc(0);
  for await (const { bytes } of output) {
    kept = Buffer.concat([kept, bytes]);
    kept = kept.subarray(Math.max(0, kept.length - keptBytes));
  }
  return kept.toString("utf8").trim().replaceAll(/\s+/g, " ");
}
