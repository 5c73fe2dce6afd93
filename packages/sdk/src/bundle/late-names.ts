import { dirname, relative, resolve } from "node:path";
import type { BuildFailure, Message } from "esbuild";

const nothingThere = /^Could not resolve (?:require|import)\("\.{1,2}\/[^"]*\*[^"]*"\)$/;

/**
 * Calls that make up the name of a module when they run, of which nothing is there when the bundle is made: code that was
 * not compiled (dtrace-provider of bunyan), plugins that nobody has. To esbuild that is an error; to Node it is one only when
 * the call is reached. They are left to look in the folder then.
 */
export class LateNames {
  readonly #folder: string;
  /** By source: how the arguments of its calls begin. */
  readonly #of = new Map<string, Set<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes in what a build could not resolve. False when there was nothing new among it. */
  take(error: unknown): boolean {
    const messages = (error as Partial<BuildFailure>).errors ?? [];
    return messages.filter((message) => nothingThere.test(message.text) && this.#takeOne(message)).length > 0;
  }

  #takeOne({ location }: Message): boolean {
    if (location === null) return false;
    const { file, lineText, column, length } = location;
    // Counted in bytes.
    const argument = Buffer.from(lineText).subarray(column, column + length);
    const path = resolve(this.#folder, file);
    const known = this.#of.get(path) ?? new Set();
    const before = known.size;
    this.#of.set(path, known.add(argument.toString()));
    return known.size > before;
  }

  /** A source whose calls look in the folder. */
  readonly resolved = (path: string, text: string): string => {
    const place = JSON.stringify(relative(this.#folder, dirname(path)) || ".");
    let changed = text;
    for (const argument of this.#of.get(path) ?? []) {
      const call = new RegExp(String.raw`\b(require|import)\s*\(\s*(?=${escaped(argument)})`, "g");
      changed = changed.replace(call, (_, kind: string) =>
        kind === "require" ? `__constellationRequire(${place})(` : `(${importFrom(place)})(`,
      );
    }
    return changed;
  };
}

const importFrom = (place: string): string =>
  `(path) => import(__constellationToUrl(__constellationJoin(__constellationBase, ${place}, path)).href)`;

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
