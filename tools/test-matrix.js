// Runs the suite on each Node line that we support. The `node` npm package brings the binaries.
//   npm run test:matrix [-- 20 22 24] [-- vitest arguments after --]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const split = process.argv.indexOf("--");
const given = process.argv.slice(2, split === -1 ? undefined : split);
const extra = split === -1 ? [] : process.argv.slice(split + 1);
const lines = given.length > 0 ? given : ["20", "22", "24"];

const results = lines.map((line) => {
  const bin = binaryOf(line);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  const version = spawnSync(join(bin, "node"), ["--version"], { encoding: "utf8" }).stdout.trim();
  console.log(`\n=== Node ${line}: ${version} ===`);
  const { status } = spawnSync(join(bin, "node"), [join(root, "node_modules/vitest/vitest.mjs"), "run", ...extra], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  return { version, ok: status === 0 };
});

console.log("");
for (const { version, ok } of results) console.log(`${ok ? "passed" : "FAILED"}  ${version}`);
process.exit(results.length > 0 && results.every(({ ok }) => ok) ? 0 : 1);

/** Folder with the `node` binary of a release line, installed once into the cache. */
function binaryOf(line) {
  const folder = join(root, "node_modules/.cache/node", line);
  const bin = join(folder, "node_modules/node/bin");
  if (!existsSync(join(bin, "node"))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const { status } = spawnSync("npm", ["install", "--no-audit", "--no-fund", `node@${line}`], {
      cwd: folder,
      stdio: "inherit",
    });
    if (status !== 0) throw new Error(`Cannot install node@${line} into ${folder}; is the npm registry reachable?`);
  }
  return bin;
}
