import type { RunOutcome } from "../run/outcome.ts";
import { unfitWords } from "../journal/unfit.ts";
import { testName } from "./summary.ts";

/** Workflow commands that GitHub shows beside the files (docs.github.com, "Workflow commands for GitHub Actions"). */
export function githubAnnotations({ ledger }: Pick<RunOutcome, "ledger">): string[] {
  const failed = [...ledger.tests.values()].filter(({ status }) => status === "failed");
  return [
    ...failed.map((test) => annotation(test.file, testName(test), test.error ?? "failed")),
    ...ledger.troubles.map(({ file, title, error }) => annotation(file, title, error)),
    ...[...ledger.unfit.values()].map(({ file, peakBytes, cause = "memory" }) =>
      annotation(file, unfitWords(cause), `peak ${peakBytes} bytes`),
    ),
  ];
}

const annotation = (file: string, title: string, text: string): string =>
  `::error file=${property(file)},title=${property(title)}::${data(text)}`;
const data = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
