/** Packages that take longer to load than most commands take in all. */
const heavy = /node_modules\/(zod|ws|esbuild|hono)\//;

/**
 * Nothing that every command loads, nor what the named commands load, may hold a heavy package.
 * Fails when one does, and when there was nothing to look at.
 */
export function checkStart({ outputs }, commands) {
  const chunkOf = (source) => Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source)?.[0];
  const run = "packages/cli/src/run.ts";
  const starts = ["packages/cli/src/main.ts", run, ...commands.map((name) => `packages/cli/src/commands/${name}.ts`)];
  const loaded = new Set();
  const visit = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind } of outputs[path]?.imports ?? []) if (kind === "import-statement") visit(next);
  };
  for (const source of starts) {
    const chunk = chunkOf(source);
    if (chunk === undefined) throw new Error(`${source} is in no chunk: the check of the start is blind`);
    visit(chunk);
  }
  for (const path of loaded) {
    const found = Object.keys(outputs[path]?.inputs ?? {}).find((input) => heavy.test(input));
    if (found !== undefined) throw new Error(`${path} is loaded by every command and holds ${found}`);
  }
}
