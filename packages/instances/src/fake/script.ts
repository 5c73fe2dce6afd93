import { ConstellationError, parseDuration } from "@constellation/contract";

/**
 * One step of a fake program; a program is a list of them, one for each word of its command:
 *
 * `log TEXT` and `err TEXT` write a line · `run 3s` goes on for a while, `run` for ever · `exit 3` · `die SIGSEGV` ·
 * `oom` is ended by its memory limit · `ignore SIGTERM` · `on SIGTERM exit 3 after 200ms` · `start 50ms` takes so long
 * to start · `fail ENOENT` cannot be started. At its end a program exits with code 0.
 */
export type FakeStep =
  | { readonly kind: "log"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly kind: "run"; readonly ms: number | null }
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "die"; readonly signal: string }
  | { readonly kind: "oom" }
  | { readonly kind: "on-signal"; readonly signal: string; readonly action: SignalAction }
  | { readonly kind: "start"; readonly ms: number }
  | { readonly kind: "fail"; readonly errno: string };

/** What a fake program does at a signal that it handles. */
export type SignalAction =
  | { readonly kind: "ignore" }
  | { readonly kind: "exit"; readonly code: number; readonly afterMs: number };

/** Reads a fake program. @throws ConstellationError `instance.start-failed` naming the step that is none */
export function parseFakeScript(words: readonly string[]): FakeStep[] {
  return words.map(parseStep);
}

function parseStep(text: string): FakeStep {
  const [, word = "", rest = ""] = /^(\S+)(?: (.*))?$/s.exec(text) ?? [];
  switch (word) {
    case "log":
      return { kind: "log", stream: "stdout", text: rest };
    case "err":
      return { kind: "log", stream: "stderr", text: rest };
    case "run":
      return { kind: "run", ms: rest === "" ? null : parseDuration(rest) };
    case "exit":
      if (/^\d{1,3}$/.test(rest)) return { kind: "exit", code: Number(rest) };
      break;
    case "die":
      if (/^SIG[A-Z0-9]+$/.test(rest)) return { kind: "die", signal: rest };
      break;
    case "oom":
      return { kind: "oom" };
    case "ignore":
      return { kind: "on-signal", signal: rest, action: { kind: "ignore" } };
    case "on": {
      const match = /^(SIG\w+) exit (\d{1,3})(?: after (\S+))?$/.exec(rest);
      if (match === null) break;
      const afterMs = match[3] === undefined ? 0 : parseDuration(match[3]);
      return { kind: "on-signal", signal: match[1] ?? "", action: { kind: "exit", code: Number(match[2]), afterMs } };
    }
    case "start":
      return { kind: "start", ms: parseDuration(rest) };
    case "fail":
      return { kind: "fail", errno: rest };
  }
  throw new ConstellationError(
    "instance.start-failed",
    `Cannot start a fake program: ${JSON.stringify(text)} is not a step of one`,
    { remedy: 'Write steps like "log hello", "run 3s", "exit 1", "ignore SIGTERM" or "fail ENOENT".' },
  );
}
