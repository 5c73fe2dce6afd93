/** Loads a settings file in TypeScript or JavaScript: compiled by esbuild, which knows every syntax that Node 20 does not. */
export async function importModule(path: string): Promise<unknown> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "silent",
  });
  const text = outputFiles[0]?.text ?? "";
  const loaded = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as { default?: unknown };
  return loaded.default;
}
