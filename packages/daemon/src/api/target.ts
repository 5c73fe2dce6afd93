/** What a request asks for. */
export interface Target {
  readonly path: string;
  /** Of a name that is given several times the first value counts. */
  readonly query: Readonly<Record<string, string>>;
}

/** Reads the target of a request's first line; whatever it holds, it has a path. */
export function readTarget(url: string): Target {
  const mark = url.indexOf("?");
  if (mark < 0) return { path: url, query: {} };
  const pairs = [...new URLSearchParams(url.slice(mark + 1))];
  return { path: url.slice(0, mark), query: Object.fromEntries(pairs.toReversed()) };
}

/** A word of a path as it was meant. What cannot be decoded stays as it is: no name that there can be. */
export function decodeWord(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
