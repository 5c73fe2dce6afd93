import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { expect, test } from "vitest";
import { timeLimit } from "../src/index.ts";

test("a time limit beside a signal is kept whatever Node collects, and nobody but who waits holds it", () => {
  const built = pathToFileURL(join(import.meta.dirname, "../dist/time-limit.js")).href;
  const program = `
    import { timeLimit } from ${JSON.stringify(built)};
    const never = new AbortController();
    const waits = new Promise((over) => timeLimit(300, never.signal).addEventListener("abort", () => over("over")));
    // Who waits does not keep Node from ending: a timer does, for as long as it takes to tell that it was not forgotten.
    const rounds = setInterval(() => gc(), 10);
    const late = setTimeout(() => { console.log("forgotten"); clearInterval(rounds); }, 10_000);
    console.log(await waits);
    clearInterval(rounds);
    clearTimeout(late);
  `;
  const out = execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect(out).toBe("over\n");
});

test("it ends with the signal, or at once with one that has ended", () => {
  const stop = new AbortController();
  const limit = timeLimit(60_000, stop.signal);
  expect(limit.aborted).toBe(false);
  stop.abort("why");
  expect(limit).toMatchObject({ aborted: true, reason: "why" });
  expect(timeLimit(60_000, stop.signal).aborted).toBe(true);
  expect(timeLimit(60_000).aborted).toBe(false);
});
