import { existsSync, readFileSync } from "node:fs";

declare const CONSTELLATION_VERSION: string | undefined;

/** Version of this package: written in by the bundler, read from the manifest in the source tree. */
export const cliVersion: string =
  typeof CONSTELLATION_VERSION === "string" ? CONSTELLATION_VERSION : versionOfManifest();

function versionOfManifest(): string {
  const manifests = ["../package.json", "../../package.json"].map((path) => new URL(path, import.meta.url));
  const manifest = manifests.find((url) => existsSync(url));
  if (manifest === undefined) throw new Error("the manifest of this package is not there");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
