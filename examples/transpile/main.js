// Run: npm run build, then `node examples/transpile/main.js [files=40]`.
// Transpiles TypeScript's own lib folder on warm workers, and some of it with a cold process for each file.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createPool } from "@constellation/pool";

const task = new URL("./transpile-task.js", import.meta.url);
const lib = dirname(createRequire(import.meta.url).resolve("typescript-classic"));
const files = readdirSync(lib)
  .filter((name) => name.endsWith(".d.ts"))
  .slice(0, Number(process.argv[2] ?? 40));
const target = mkdtempSync(join(tmpdir(), "transpile-"));
const job = (name) => ({ from: join(lib, name), to: join(target, `${name}.js`) });

try {
  const pool = createPool({ module: task });
  await pool.ready();
  const warmMs = await timed(() => Promise.all(files.map((name) => pool.run("transpile", job(name)))));
  const [{ sizeReason, counts }] = pool.snapshot();
  await pool.close();
  const some = files.slice(0, 4);
  const coldMs = await timed(() => {
    for (const name of some) {
      const code = `import(${JSON.stringify(task.href)}).then((m) => m.transpile(${JSON.stringify(job(name))}))`;
      execFileSync(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" });
    }
  });
  const perFile = { warmMs: warmMs / files.length, coldMs: coldMs / some.length };
  console.log(
    JSON.stringify({
      files: readdirSync(target).length,
      tasks: counts.tasksDone,
      warmMsPerFile: Number(perFile.warmMs.toFixed(2)),
      coldMsPerFile: Number(perFile.coldMs.toFixed(1)),
      timesFaster: Number((perFile.coldMs / perFile.warmMs).toFixed(1)),
      sizeReason,
    }),
  );
} finally {
  rmSync(target, { recursive: true });
}

async function timed(work) {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
