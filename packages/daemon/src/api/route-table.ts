import { decodeWord } from "./target.ts";

/** What serves a request, with what stands for the parameters of its path. */
export interface Match<Handler> {
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern<Handler> {
  readonly method: string;
  readonly words: readonly string[];
  readonly handler: Handler;
}

/** Finds what serves a request. Most paths are fixed and found at once; the others are compared word by word. */
export class RouteTable<Handler> {
  readonly #fixed = new Map<string, Handler>();
  readonly #patterns: Pattern<Handler>[] = [];

  /** @param path with `:name` for words that are parameters */
  add(method: string, path: string, handler: Handler): void {
    if (path.includes(":")) this.#patterns.push({ method, words: path.split("/"), handler });
    else this.#fixed.set(`${method} ${path}`, handler);
  }

  match(method: string, path: string): Match<Handler> | undefined {
    const handler = this.#fixed.get(`${method} ${path}`);
    if (handler !== undefined) return { handler, params: {} };
    const words = path.split("/");
    for (const pattern of this.#patterns) {
      const params = pattern.method === method ? paramsOf(pattern.words, words) : null;
      if (params !== null) return { handler: pattern.handler, params };
    }
    return undefined;
  }
}

/** Null when the words are not those of the pattern. A parameter is never empty. */
function paramsOf(pattern: readonly string[], words: readonly string[]): Record<string, string> | null {
  if (pattern.length !== words.length) return null;
  const params: Record<string, string> = {};
  for (const [at, wanted] of pattern.entries()) {
    const word = words[at] ?? "";
    if (wanted.startsWith(":") && word !== "") params[wanted.slice(1)] = decodeWord(word);
    else if (wanted !== word) return null;
  }
  return params;
}
