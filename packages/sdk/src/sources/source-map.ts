import { SourceMap, type SourceMapPayload } from "node:module";

const mark = "\n//# sourceMappingURL=data:application/json;base64,";

/** A place in a source; lines and columns begin with 1. */
export interface SourcePlace {
  /** As the map names it. */
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** The map at the end of a bundle; null where there is none that can be read. */
export function sourceMapOf(bytes: Uint8Array): SourceMap | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = text.lastIndexOf(mark);
  if (at < 0) return null;
  try {
    const payload = Buffer.from(text.toString("latin1", at + mark.length).trim(), "base64").toString();
    return new SourceMap(JSON.parse(payload) as SourceMapPayload);
  } catch {
    return null;
  }
}

/**
 * Where a place of the bundle comes from; null for what no source has.
 *
 * @param line from 1
 * @param column from 1; without it the last statement of the line
 */
export function sourcePlace(map: SourceMap, line: number, column = Number.MAX_SAFE_INTEGER): SourcePlace | null {
  const entry = map.findEntry(line - 1, column - 1);
  // Of a line without an entry the one of a line above is found.
  if (!("originalSource" in entry) || entry.generatedLine !== line - 1) return null;
  const { originalSource: source, originalLine, originalColumn } = entry;
  return { source, line: originalLine + 1, column: originalColumn + 1 };
}
