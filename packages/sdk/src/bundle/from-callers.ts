/**
 * A package that takes its caller's file from the call stack and resolves from there (pino: its transports) finds the bundle,
 * beside which there are no packages. It is given the program's source instead. One line, without comments: it stands on the
 * first line of the bundle.
 */
const part = `
{
  const node = require("node:module");
  const { source, bundle } = __constellationProgram;
  const url = __constellationToUrl(bundle).href;
  const plain = node.createRequire;
  node.createRequire = function createRequire(file) {
    return plain(file === bundle || String(file) === url ? source : file);
  };
}`
  .replace(/\s*\n\s*/g, " ")
  .trim();

/** The code for a bundle whose sources import these modules; empty when they resolve nothing. */
export const fromCallers = (imported: ReadonlySet<string>): string =>
  imported.has("module") || imported.has("node:module") ? part : "";
