import type { Clock } from "../driver/clock.ts";
import { deferred } from "../driver/deferred.ts";
import type { ExecOutput, ExecRequest, ExecSession } from "../driver/exec.ts";
import { signalName, signalNumber } from "../driver/signal-names.ts";
import type { End } from "../driver/to-exit.ts";
import { FakeProgram } from "./program.ts";
import { parseFakeScript } from "./script.ts";

/** Runs a fake program beside a fake instance; its lines are its output. */
export function fakeExec(request: ExecRequest, clock: Clock): ExecSession {
  const output: ExecOutput[] = [];
  let wake: () => void = () => {};
  let over: End | null = null;
  const ended = deferred<End>();
  const program = new FakeProgram(parseFakeScript(request.argv), clock, {
    write(stream, text) {
      output.push({ stream: request.tty ? "stdout" : stream, bytes: Buffer.from(`${text}\n`) });
      wake();
    },
    ended(end) {
      over = end;
      ended.resolve(end);
      wake();
    },
  });
  program.run();
  return {
    output: (async function* () {
      for (;;) {
        const next = output.shift();
        if (next !== undefined) yield next;
        else if (over !== null) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    })(),
    exit: ended.promise.then((end) => ({
      code: end.how === "exited" ? end.code : null,
      signal: end.how === "signalled" ? signalNumber(end.signal) : null,
    })),
    write: () => Promise.resolve(),
    endInput: () => {},
    resize: () => {},
    signal: (number) => program.signal(signalName(number)),
    close: () => {
      program.signal("SIGKILL");
      return Promise.resolve();
    },
  };
}
