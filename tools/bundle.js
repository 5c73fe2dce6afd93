// Makes packages/cli/dist what `npm publish` ships: the command, the SDK with its types, the daemon and the programs it
// starts, in one package without packages of ours as dependencies. Fails when a part is missing.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { checkStart } from "./bundle/check-start.js";
import { copyDeclarations } from "./bundle/declarations.js";
import { companions } from "./bundle/companions.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const published = join(root, "packages/cli/dist");
/** Built beside, then put in place: whoever runs the command meanwhile finds a whole package. */
const dist = join(root, `packages/cli/dist/.next-${process.pid}`);
const manifest = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
/** Packages that stay packages: native code. zod is a dependency for the sake of the declarations only. */
const external = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)].filter(
  (name) => name !== "zod",
);

/**
 * CommonJS packages inside a bundle ask for Node's own modules by `require`. Users who bundle their program as CommonJS, and
 * us with it, have no `import.meta.url`.
 */
const requireShim =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url ?? __filename);';

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  charset: "utf8",
  legalComments: "none",
  conditions: ["constellation-source"],
  external,
  banner: { js: requireShim },
  define: { CONSTELLATION_VERSION: JSON.stringify(manifest.version) },
  metafile: true,
  logLevel: "warning",
};

/**
 * For what runs long: V8 keeps the text of a program in memory for as long as it runs, two bytes a character when one of
 * them needs it. Names stay, and lines are short: a stack trace still says where.
 */
const small = { charset: "ascii", minifyWhitespace: true, minifySyntax: true, lineLimit: 160 };

/** commander starts subcommands that are programs of their own; we have none, and loading child_process takes 5 ms. */
const withoutSubprograms = {
  name: "without-subprograms",
  setup(plugins) {
    plugins.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes("node_modules/commander/") ? { path: importer, namespace: "nothing" } : undefined,
    );
    plugins.onLoad({ filter: /.*/, namespace: "nothing" }, () => ({ contents: "module.exports = {};" }));
  },
};

/** zod words its own errors in fifty languages; ours need one. */
const oneLanguage = {
  name: "one-language",
  setup(plugins) {
    plugins.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** What runs inside the processes of guarded test suites. */
const guests = companions(root, join(dist, "programs"), /packages\/guard\/src\/.*\.ts$/);
const client = await build({
  ...common,
  ...small,
  plugins: [withoutSubprograms, oneLanguage, guests.plugin],
  entryPoints: { constellation: "packages/cli/src/main.ts", index: "packages/cli/src/index.ts" },
  outdir: dist,
  splitting: true,
  // All in one folder: each chunk finds the daemon beside itself.
  chunkNames: "[name]-[hash]",
});
const starts = ["main.ts", "run.ts", "commands/ps.ts", "commands/up.ts"].map((path) => `packages/cli/src/${path}`);
// They take longer to load than most commands take in all.
checkStart(client.metafile, starts, /node_modules\/(zod|ws|esbuild|hono)\//);

const daemon = companions(root, join(dist, "programs"));
const server = await build({
  ...common,
  ...small,
  entryPoints: { daemon: "packages/daemon/src/main.ts" },
  outdir: dist,
  // What few daemons need (WebSockets, YAML, the document of the API) is read when it is needed.
  splitting: true,
  chunkNames: "[name]-[hash]",
  plugins: [oneLanguage, daemon.plugin],
});
// The rest of zod comes along, 150 kB and 4 MB of memory, as soon as one file imports `{ z }` instead of `* as z`.
const seldom = /node_modules\/(ws|yaml|esbuild)\/|zod\/v4\/classic\/from-json-schema|contract\/src\/api\/responses/;
checkStart(server.metafile, ["packages/daemon/src/main.ts", "packages/daemon/src/api/index.ts"], seldom);
const bundleProgram = (entry, outfile) => build({ ...common, entryPoints: [entry], outfile });
const programs = (await daemon.copy(bundleProgram)) + (await guests.copy(bundleProgram));
const { openApiDocument } = await import("../packages/contract/dist/api/openapi.js");
writeFileSync(join(dist, "openapi.json"), `${JSON.stringify(openApiDocument(manifest.version), null, 2)}\n`);
const declarations = copyDeclarations(root, dist);

replacePublished();

const kB = (file) => `${Math.round((statSync(join(published, file), { throwIfNoEntry: false })?.size ?? 0) / 1000)} kB`;
const chunks = Object.keys(client.metafile.outputs).length;
console.log(
  `bundle: command and SDK in ${chunks} files (start ${kB("constellation.js")}), daemon ${kB("daemon.js")}, ${programs} programs, ${declarations} declarations`,
);

/** New files first, then what is left over goes; what `tsc -b` keeps there stays. */
function replacePublished() {
  const fresh = readdirSync(dist);
  for (const entry of fresh) {
    if (statSync(join(dist, entry)).isDirectory()) rmSync(join(published, entry), { recursive: true, force: true });
    renameSync(join(dist, entry), join(published, entry));
  }
  for (const entry of readdirSync(published))
    if (entry !== "tsc" && !fresh.includes(entry) && !isOtherBuild(entry))
      rmSync(join(published, entry), { recursive: true, force: true });
}

/** A build of another process that still runs. */
function isOtherBuild(entry) {
  const pid = /^\.next-(\d+)$/.exec(entry)?.[1];
  return pid !== undefined && Number(pid) !== process.pid && existsSync(`/proc/${pid}`);
}
