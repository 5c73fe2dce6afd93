import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Adapter, AdapterRequest, OutputEvent, OutputReader } from "./adapter.ts";
import { findFiles } from "./find-files.ts";

/**
 * cargo nextest. Its JSON messages come when a whole test binary is through, so that a kill would lose them; its status lines
 * come as each test ends, and those are read. Test binaries stand in the journal as files.
 */
export const nextest: Adapter = {
  name: "nextest",
  shape: "files",
  results: { stream: "stderr", reader: readStatusLines },
  hash: workspaceHash,
  units(request) {
    const { args, paths, jobs } = request;
    return [
      {
        file: "(nextest)",
        title: "(nextest)",
        program: "cargo",
        args: [
          "nextest",
          "run",
          "--color=never",
          "--status-level=all",
          "--no-fail-fast",
          "--no-tests=pass",
          ...(jobs === undefined ? [] : [`--test-threads=${jobs}`]),
          ...args.filter((word) => word !== "--no-fail-fast"),
          ...filterFlags(request),
          ...paths,
        ],
        environment: { CARGO_TERM_PROGRESS_WHEN: "never", NEXTEST_HIDE_PROGRESS_BAR: "1" },
      },
    ];
  },
};

/** The kernel takes no longer single argument (MAX_ARG_STRLEN); a binary whose filter would be longer runs again. */
const longestArgument = 120_000;

/** Filter sets (nexte.st/docs/filtersets): several `-E` are a union, so each binary has its own, and one is for the rest. */
export function filterFlags({ finished, exclude }: Pick<AdapterRequest, "finished" | "exclude">): string[] {
  const left = new Set(exclude);
  const parts = [...finished]
    .filter(([binary]) => !left.has(binary))
    .flatMap(([binary, tests]) => {
      const names = tests.map(([path]) => `test(=${path.join("::")})`);
      const text = `binary_id(=${binary}) & not (${names.join(" | ")})`;
      return names.length > 0 && text.length <= longestArgument ? [{ binary, text }] : [];
    });
  const known = [...parts.map(({ binary }) => binary), ...left];
  if (known.length === 0) return [];
  const rest = `not (${known.map((binary) => `binary_id(=${binary})`).join(" | ")})`;
  return [...parts.map(({ text }) => text), rest].flatMap((text) => ["-E", text]);
}

/** `PASS [   0.004s] (1/12) crate::binary module::test`, and the other words a test can end with. */
const ended =
  /^\s*(PASS|FAIL|LEAK|LEAK-FAIL|TIMEOUT|ABORT|XFAIL|SIG[A-Z]+|FLAKY \d+\/\d+|TRY \d+ [A-Z-]+|TERMINATING|SLOW|SKIP)\s+\[[\s>]*([\d.]*)s?\s*\]\s+(?:\(\s*[-\d]+\s*\/\s*[-\d]+\)\s+)?(\S+)\s+(\S.*)$/;

/** Reads status lines. A test that is tried again has ended with its last try; the words after the summary are said twice. */
export function readStatusLines(): OutputReader {
  let isOver = false;
  const failedTries = new Map<string, number>();
  return {
    line(text): readonly OutputEvent[] {
      const show: OutputEvent = { kind: "show", text: `${text}\n` };
      if (/^\s*Summary \[/.test(text)) {
        isOver = true;
        // Tests whose last try failed: nextest says no more than that.
        const rest = [...failedTries].map(([key, ms]) => test(key, "failed", ms));
        failedTries.clear();
        return [...rest, show];
      }
      const [, word = "", seconds = "", binary = "", name = ""] = (isOver ? null : ended.exec(text)) ?? [];
      if (word === "" || word === "SLOW" || word === "TERMINATING" || word === "SKIP") return [show];
      const key = JSON.stringify([binary, name.trim()]);
      const ms = Number(seconds || 0) * 1000;
      const [, lastWord] = /^TRY \d+ ([A-Z-]+)$/.exec(word) ?? [];
      const outcome = lastWord ?? word;
      const passed = outcome === "PASS" || outcome === "LEAK" || word.startsWith("FLAKY");
      if (lastWord !== undefined && !passed) {
        failedTries.set(key, ms);
        return [show];
      }
      failedTries.delete(key);
      return [test(key, passed ? "passed" : "failed", ms), show];
    },
  };
}

function test(key: string, status: "passed" | "failed", ms: number): OutputEvent {
  const [file, name] = JSON.parse(key) as [string, string];
  return { kind: "test", file, path: name.split("::"), status, ms };
}

/** A test binary is built from all of the workspace that it uses: any edit of Rust makes all run again. */
function workspaceHash(root: string): (file: string) => string {
  let known: string | undefined;
  return () => {
    if (known !== undefined) return known;
    const hash = createHash("sha256");
    const sources = findFiles(
      root,
      [],
      (path) => /(\.rs|(^|\/)Cargo\.(toml|lock))$/.test(path) && !path.startsWith("target/"),
    );
    for (const file of sources) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
    known = hash.digest("hex").slice(0, 16);
    return known;
  };
}
