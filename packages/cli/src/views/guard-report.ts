import { formatBytes, formatDuration } from "@constellation/contract";
import { type RunOutcome, summarize, testName, unfitWords } from "@constellation/guard";
import type { Terminal } from "../terminal/terminal.ts";
import { onOneLine, printable } from "../terminal/width.ts";

/** What is said at the end of a guarded run. `log`: the framework's output, when it was kept from the terminal. */
export function reportLines(outcome: RunOutcome, { style }: Terminal, log: string | undefined): string[] {
  const { passed, failed, skipped, slowest, failures, peaks, attempts } = summarize(outcome);
  const { kind, reason, tookMs, peakBytes, teardown, releasedPorts, ledger } = outcome;
  const verdict = style(kind === "passed" ? "good" : kind === "failed" ? "bad" : "warning", kind);
  const cleaned = [
    teardown.swept > 0 ? `${teardown.swept} stray process(es) ended` : "",
    releasedPorts.length > 0 ? `port(s) ${releasedPorts.join(", ")} released` : "",
    teardown.containers.length > 0 ? `container(s) ${teardown.containers.join(", ")} stopped` : "",
  ].filter(Boolean);
  const canResume = kind === "protected" || kind === "timeout" || kind === "interrupted";
  return [
    "",
    ...(log === undefined
      ? []
      : failures.slice(0, 20).map(
          (test) =>
            `${style("bad", "✖")} ${test.file} ${onOneLine(testName(test))}\n  ${printable(test.error ?? "")
              .split("\n")
              .slice(0, 5)
              .join("\n  ")}`,
        )),
    ...ledger.troubles.map(
      ({ file, title, error }) =>
        `${style("bad", "✖")} ${file} ${onOneLine(title)}: ${printable(error.split("\n", 1)[0] ?? "")}`,
    ),
    ...[...ledger.unfit.values()].map(
      ({ file, peakBytes, cause = "memory" }) =>
        `${style("bad", "✖")} ${file} ${unfitWords(cause)} (the run had ${formatBytes(peakBytes)})`,
    ),
    `${verdict}: ${reason}`,
    `${passed} passed, ${failed} failed, ${skipped} skipped in ${formatDuration(tookMs)}, ${attempts} attempt(s)${peakBytes > 0 ? `, peak memory ${formatBytes(peakBytes)}` : ""}`,
    ...(slowest.length === 0
      ? []
      : [
          style(
            "dim",
            `slowest: ${slowest.map((test) => `${onOneLine(testName(test))} ${formatDuration(test.ms)}`).join(", ")}`,
          ),
        ]),
    ...(peaks.length === 0
      ? []
      : [
          style(
            "dim",
            `memory by file: ${peaks
              .slice(0, 5)
              .map(({ file, bytes }) => `${file} ${formatBytes(bytes)}`)
              .join(", ")}`,
          ),
        ]),
    ...(cleaned.length === 0 ? [] : [`cleaned up: ${cleaned.join("; ")}`]),
    ...teardown.troubles.map((text) => style("warning", `teardown: ${text}`)),
    ...(teardown.survivors.length === 0 ? [] : [style("bad", `still there: pid ${teardown.survivors.join(", ")}`)]),
    ...(log === undefined ? [] : [style("dim", `output: ${log}`)]),
    ...(canResume ? ["Go on with `constellation test --resume`."] : []),
  ];
}
