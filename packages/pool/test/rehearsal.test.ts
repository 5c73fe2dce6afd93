import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { entryUrl } from "../src/worker/link.ts";

const walksPaths = /compiling method .*<JSFunction (?:normalizeString|getPathFromURLPosix) /;

it("after the rehearsals modules have paths of any length, and V8 has nothing to optimize for them", async () => {
  const program = `
    const { default: rehearse } = await import(${JSON.stringify(entryUrl("rehearsal").href)});
    const { resolve } = await import("node:path");
    const { fileURLToPath } = await import("node:url");
    const { setTimeout: sleep } = await import("node:timers/promises");
    for (let times = 0; times < 3; times += 1) {
      rehearse();
      await sleep(100);
    }
    console.log("REHEARSED");
    for (let length = 1; length <= 200; length += 1) {
      resolve(fileURLToPath(\`file:///\${"a/".repeat(length)}module.mjs\`));
      if (length % 20 === 0) await sleep(1);
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--trace-opt",
    "--input-type=module",
    "--eval",
    program,
  ]);
  const [before = "", after = ""] = stdout.split("REHEARSED");
  // Otherwise this Node does not say it as others do, and nothing would be seen below.
  expect(before).toMatch(walksPaths);
  expect(after).not.toMatch(walksPaths);
});
