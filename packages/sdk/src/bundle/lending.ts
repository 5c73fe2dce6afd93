import type { ArtifactFormat } from "@constellation/contract";

/**
 * Under this symbol a bundle says which sources it has in itself, and where. A pool passes that on to its workers, which put
 * it there and import the bundle: it runs nothing then, and `lend(program)` imports a source out of it (packages/pool:
 * bundled-modules.ts).
 */
const bundle = 'globalThis[Symbol.for("constellation.bundle")]';

/** The code that finds out whether somebody imports the bundle for its sources. */
export const lentTo = `const __constellationLent = ${bundle};`;

/**
 * The code that offers the sources. An ES module is imported anew, under another name: who awaits an answer at its top is not
 * there yet.
 *
 * @param places programs by the places that name them, from the bundle's folder
 */
export function lending(places: ReadonlyMap<string, string>, format: ArtifactFormat): string {
  const urlOf = (path: string): string => `__constellationToUrl(${path}).href`;
  const modules = [...places].map(
    ([place, program]) =>
      `[${urlOf(`__constellationJoin(__constellationBase, ${JSON.stringify(place)})`)}]: ${JSON.stringify(program)}`,
  );
  const url = `${urlOf("__constellationProgram.bundle")}${format === "module" ? ' + "?lent"' : ""}`;
  return `${bundle} ??= { url: ${url}, folder: __constellationBase, modules: { ${modules.join(", ")} } };`;
}
