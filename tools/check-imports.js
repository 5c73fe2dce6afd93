// Checks who may import whom (ARCHITECTURE.md, "Who may import whom"). Fails on a forbidden import,
// on a deep import past a package's `exports`, and when it looked at nothing.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseSync } from "oxc-parser";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Package folder -> the package folders its sources may import. */
const allowed = {
  contract: [],
  actors: [],
  host: [],
  core: ["contract"],
  engine: ["contract"],
  pool: ["host", "actors"],
  instances: ["contract", "host", "actors", "pool"],
  guard: ["contract", "host", "pool"],
  daemon: ["contract", "actors", "core", "host", "engine", "pool", "instances", "guard"],
  sdk: ["contract"],
  cli: ["sdk", "contract", "guard", "host", "engine"],
  dashboard: ["sdk", "contract"],
};

/** Packages whose sources must also run in a browser: no `node:` import. For actors only its core is held to that. */
const withoutNode = [
  ["contract", () => true],
  ["core", () => true],
  ["actors", (path) => !path.startsWith("node/") && !path.startsWith("testkit/node")],
];

function* sources(dir) {
  for (const entry of readdirSync(dir).sort()) {
    const path = join(dir, entry);
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry)) yield path;
  }
}

function imports(path) {
  const { module, errors } = parseSync(path, readFileSync(path, "utf8"));
  if (errors.length > 0) throw new Error(`${relative(root, path)} does not parse: ${errors[0]?.message}`);
  const text = readFileSync(path, "utf8");
  return [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) =>
      entry.entries.flatMap((e) => (e.moduleRequest ? [e.moduleRequest.value] : [])),
    ),
    ...module.dynamicImports.map((entry) =>
      text.slice(entry.moduleRequest.start, entry.moduleRequest.end).replace(/^["'`]|["'`]$/g, ""),
    ),
  ];
}

const names = new Map();
for (const folder of readdirSync(join(root, "packages"))) {
  const manifest = JSON.parse(readFileSync(join(root, "packages", folder, "package.json"), "utf8"));
  names.set(manifest.name, { folder, entries: Object.keys(manifest.exports ?? {}) });
}

const problems = [];
let files = 0;
let edges = 0;
for (const folder of readdirSync(join(root, "packages"))) {
  const may = allowed[folder];
  if (may === undefined) {
    problems.push(`packages/${folder} has no row in tools/check-imports.js; add who it may import`);
    continue;
  }
  const src = join(root, "packages", folder, "src");
  for (const path of sources(src)) {
    files += 1;
    const here = relative(root, path);
    for (const specifier of imports(path)) {
      edges += 1;
      const inside = relative(src, path);
      if (specifier.startsWith("node:")) {
        const rule = withoutNode.find(([name]) => name === folder);
        if (rule?.[1](inside))
          problems.push(`${here} imports "${specifier}", but ${folder} must also run in a browser`);
      } else if (specifier.startsWith(".")) {
        const target = relative(src, resolve(dirname(path), specifier));
        if (target.startsWith(".."))
          problems.push(`${here} leaves its package with "${specifier}"; enter a package by its name`);
        if (folder === "daemon") checkDoor(here, inside, target, specifier);
      } else {
        const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0];
        const target = names.get(name);
        if (target === undefined || target.folder === folder) continue;
        const entry = specifier === name ? "." : `.${specifier.slice(name.length)}`;
        if (!may.includes(target.folder))
          problems.push(
            `${here} imports "${specifier}", but ${folder} may import only: ${may.join(", ") || "nothing of ours"}`,
          );
        if (!target.entries.includes(entry))
          problems.push(`${here} imports "${specifier}", which is not in the exports of ${name}`);
      }
    }
  }
}

/** Inside the daemon a capability folder is entered by its index.ts only; main.ts sees all of them. */
function checkDoor(here, inside, target, specifier) {
  const from = inside.split("/");
  const to = target.split("/");
  if (from.length < 2 || to.length < 2 || from[0] === to[0]) return;
  if (to.length === 2 && to[1] === "index.ts") return;
  problems.push(`${here} reaches into "${specifier}"; enter ${to[0]} through its index.ts`);
}

if (files === 0 || edges === 0) problems.push(`looked at ${files} files and ${edges} imports: the check is blind`);
for (const problem of problems) console.error(problem);
console.log(`import directions: ${files} files, ${edges} imports, ${problems.length} problems`);
process.exit(problems.length > 0 ? 1 : 0);
