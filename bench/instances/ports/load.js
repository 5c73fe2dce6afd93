// Runs wrk and reads its report: only finished requests count, errors are reported apart.
import { spawnSync } from "node:child_process";

/** One run; rates in requests and megabytes per second, latencies in microseconds. */
export function load(port, { path = "/", connections = 32, seconds = 2, keepAlive = true } = {}) {
  const words = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}`,
    "--latency",
    ...(keepAlive ? [] : ["-H", "Connection: close"]),
  ];
  const { stdout, status, error } = spawnSync("wrk", [...words, `http://127.0.0.1:${port}${path}`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`wrk failed; install it (apt install wrk): ${error?.message ?? stdout}`);
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/, stdout),
    megabytesPerSecond: bytes(/Transfer\/sec:\s+([\d.]+)(\w+)/.exec(stdout)) / 1e6,
    p50Us: time(/50%\s+([\d.]+)(\w+)/.exec(stdout)),
    p99Us: time(/99%\s+([\d.]+)(\w+)/.exec(stdout)),
    failed:
      errors.reduce((sum, count) => sum + count, 0) + Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0),
  };
}

const number = (pattern, text) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
const time = (match) => Number(match?.[1]) * { us: 1, ms: 1e3, s: 1e6 }[match?.[2]];
const bytes = (match) => Number(match?.[1]) * { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }[match?.[2]];

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
