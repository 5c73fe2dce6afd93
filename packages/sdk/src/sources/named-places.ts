import type { SourceMap } from "node:module";
import { sourceMapOf, sourcePlace } from "./source-map.ts";

/** How Node names a place in a bundle, whose file is named by its SHA-256; the first line of an uncaught error has no column. */
const named = /(?<![^\s("'])(?:file:\/\/)?\/(?:[^\s()"':]*\/)?([0-9a-f]{64})\.[cm]js:(\d+)(?::(\d+))?/g;
/** A program can write what it likes, and each name costs a call. */
const mostBundles = 32;

/** Names places in bundles by their sources, relative to the app's folder: `src/web.ts:12:3`. What is not known stays as it is. */
export class NamedPlaces {
  readonly #maps = new Map<string, Promise<SourceMap | null>>();
  readonly #read: (sha256: string) => Promise<Uint8Array | null>;

  /** @param read the bundle; null when it is not there any more */
  constructor(read: (sha256: string) => Promise<Uint8Array | null>) {
    this.#read = read;
  }

  async in(text: string): Promise<string> {
    if (!text.includes("js:")) return text;
    const maps = new Map<string, SourceMap | null>();
    for (const [, sha256 = ""] of text.matchAll(named)) maps.set(sha256, await this.#map(sha256));
    if (maps.size === 0) return text;
    return text.replace(named, (found, sha256: string, line: string, column: string | undefined) => {
      const map = maps.get(sha256) ?? null;
      const place = map && sourcePlace(map, Number(line), column === undefined ? undefined : Number(column));
      if (place === null) return found;
      return `${place.source}:${place.line}${column === undefined ? "" : `:${place.column}`}`;
    });
  }

  #map(sha256: string): Promise<SourceMap | null> {
    const known = this.#maps.get(sha256);
    if (known !== undefined) return known;
    if (this.#maps.size >= mostBundles) return Promise.resolve(null);
    const map = this.#read(sha256).then((bytes) => bytes && sourceMapOf(bytes));
    this.#maps.set(sha256, map);
    return map;
  }
}
