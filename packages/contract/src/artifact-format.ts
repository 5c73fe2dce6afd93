/** What Node is told a script's artifact is. */
export type ArtifactFormat = "commonjs" | "module";

/**
 * With one of these an artifact begins that is CommonJS: whether it is strict is what its sources are. Every other one is
 * an ES module.
 */
export const commonJsMarks = { strict: '"use strict"; /* CommonJS */', sloppy: "/* CommonJS */" } as const;

const marks = Object.values(commonJsMarks).map((mark) => new TextEncoder().encode(mark));

/** The format of an artifact, by its first bytes. */
export function artifactFormat(head: Uint8Array): ArtifactFormat {
  return marks.some((mark) => mark.every((byte, at) => head[at] === byte)) ? "commonjs" : "module";
}
