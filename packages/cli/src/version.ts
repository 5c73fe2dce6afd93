import { readFileSync } from "node:fs";

declare const CONSTELLATION_VERSION: string | undefined;

/** Version of this package: written in by the bundler, read from the manifest in the source tree. */
export const cliVersion: string =
  typeof CONSTELLATION_VERSION === "string"
    ? CONSTELLATION_VERSION
    : (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version;
