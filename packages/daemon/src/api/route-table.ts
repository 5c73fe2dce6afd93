import { RegExpRouter } from "hono/router/reg-exp-router";
import { decodeWord } from "./target.ts";

/** What serves a request, with what stands for the parameters of its path. */
export interface Match<Handler> {
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds what serves a request. All routes are added before the first is asked for. */
export class RouteTable<Handler> {
  readonly #router = new RegExpRouter<Handler>();

  /** @param path with `:name` for words that are parameters */
  add(method: string, path: string, handler: Handler): void {
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Match<Handler> | undefined {
    const [[found] = [], words = []] = this.#router.match(method, path);
    if (found === undefined) return undefined;
    const [handler, places] = found;
    const params: Record<string, string> = {};
    for (const name in places) params[name] = decodeWord(words[Number(places[name])] ?? "");
    return { handler, params };
  }
}
