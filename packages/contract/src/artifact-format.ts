/** What Node is told a script's artifact is. */
export type ArtifactFormat = "commonjs" | "module";

/** With these characters an artifact begins that is CommonJS. Every other one is an ES module. */
export const commonJsMark = '"use strict"; /* CommonJS */';

/** The format of an artifact, by its first bytes. */
export function artifactFormat(head: Uint8Array): ArtifactFormat {
  const wanted = new TextEncoder().encode(commonJsMark);
  return wanted.every((byte, at) => head[at] === byte) ? "commonjs" : "module";
}
