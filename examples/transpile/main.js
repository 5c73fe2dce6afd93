// Run: npm run build, then `node examples/transpile/main.js [files=all]`.
// Transpiles TypeScript's own lib folder on warm workers, and some of it with a cold process for each file, as many at a time.
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createPool } from "@constellation/pool";

const task = new URL("./transpile-task.js", import.meta.url);
const lib = dirname(createRequire(import.meta.url).resolve("typescript-classic"));
const files = readdirSync(lib)
  .filter((name) => name.endsWith(".d.ts"))
  .slice(0, Number(process.argv[2] ?? Infinity));
const target = mkdtempSync(join(tmpdir(), "transpile-"));
const job = (name) => ({ from: join(lib, name), to: join(target, `${name}.js`) });

try {
  const pool = createPool({ module: task });
  await pool.ready();
  const [{ sizeReason, workers }] = pool.snapshot();
  const transpile = (names) => timed(() => Promise.all(names.map((name) => pool.run("transpile", job(name)))));
  // Both are timed with the same files, warm workers with those that are their first.
  const some = files.slice(0, 4 * workers.length);
  const warmMs = await transpile(some);
  const othersMs = await transpile(files.slice(some.length));
  const [{ counts }] = pool.snapshot();
  await pool.close();
  const queue = [...some];
  const lane = async () => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      const code = `import(${JSON.stringify(task.href)}).then((m) => m.transpile(${JSON.stringify(job(name))}))`;
      await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
    }
  };
  const coldMs = await timed(() => Promise.all(workers.map(lane)));
  console.log(
    JSON.stringify({
      files: readdirSync(target).length,
      tasks: counts.tasksDone,
      allMs: Math.round(warmMs + othersMs),
      warmMsPerFile: Number((warmMs / some.length).toFixed(2)),
      coldMsPerFile: Number((coldMs / some.length).toFixed(1)),
      timesFaster: Number((coldMs / warmMs).toFixed(1)),
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
