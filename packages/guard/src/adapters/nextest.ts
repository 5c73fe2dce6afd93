import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Adapter, type AdapterRequest, longestArgument, type OutputEvent, type OutputReader } from "./adapter.ts";
import { findFiles } from "./find-files.ts";
import { withJobs } from "./own-words.ts";

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
          ...withJobs(
            args.filter((word) => word !== "--no-fail-fast"),
            ["--test-threads", "-j"],
            jobs,
          ),
          ...filterFlags(request),
          ...paths,
        ],
        environment: { CARGO_TERM_PROGRESS_WHEN: "never", NEXTEST_HIDE_PROGRESS_BAR: "1" },
      },
    ];
  },
};

/**
 * Filter sets (nexte.st/docs/filtersets): several `-E` are a union, so each binary has its own, and one is for the rest. A
 * binary whose filter would be too long for an argument runs again.
 */
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

/** `PASS [   0.004s] (1/12) crate::binary module::test`; a stress run has its turn, `[2/3]`, in front of the count. */
const statusLine =
  /^\s*([A-Z][A-Z0-9+/ -]*?)\s+\[\s*([\d.]+)s\s*\]\s+(?:\[\d+(?:\/\d+)?\]\s+)?(?:\([^)]*\)\s+)?(\S+)\s+(\S.*)$/;
/** What is said of tests that go on, and of scripts around them. */
const goesOn = /^(?:SLOW|SKIP|TERMINATING|DELAY .*|RETRY|(?:TRY \d+ )?(?:START|SLOW|TRMNTG)|SETUP.*|START)$/;
const good = new Set(["PASS", "LEAK", "TIMEOUT-PASS"]);

/** Reads status lines. A test that is tried again has ended with its last try; the words after the summary are said twice. */
export function readStatusLines(): OutputReader {
  let isOver = false;
  const failedTries = new Map<string, number>();
  /** It passed when it was tried again, which the next line may call a failure. */
  let flaky: { readonly key: string; readonly ms: number } | undefined;
  return {
    line(text): readonly OutputEvent[] {
      const before = settleFlaky(text);
      const show: OutputEvent = { kind: "show", text: `${text}\n` };
      if (/^\s*Summary \[/.test(text)) {
        isOver = true;
        // Tests whose last try failed: nextest says no more than that.
        const rest = [...failedTries].map(([key, ms]) => test(key, "failed", ms));
        failedTries.clear();
        return [...before, ...rest, show];
      }
      const [, word = "", seconds = "", binary = "", name = ""] = (isOver ? null : statusLine.exec(text)) ?? [];
      if (word === "" || goesOn.test(word)) return [...before, show];
      const key = JSON.stringify([binary, name.trim()]);
      const ms = Number(seconds) * 1000;
      const [, lastWord] = /^TRY \d+ (.+)$/.exec(word) ?? [];
      const passed = good.has(lastWord ?? word);
      if (lastWord !== undefined) {
        if (passed) {
          failedTries.delete(key);
          flaky = { key, ms };
        } else failedTries.set(key, ms);
        return [...before, show];
      }
      return [...before, test(key, passed ? "passed" : "failed", ms), show];
    },
  };

  function settleFlaky(next: string): readonly OutputEvent[] {
    if (flaky === undefined) return [];
    const { key, ms } = flaky;
    flaky = undefined;
    return [test(key, /^\s+- test configured to fail if flaky/.test(next) ? "failed" : "passed", ms)];
  }
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
