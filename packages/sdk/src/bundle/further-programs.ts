import { relative } from "node:path";
import type { ArtifactFormat } from "@constellation/contract";
import type { BuildOptions, Loader } from "esbuild";
import { buildFailed } from "./build-failed.ts";
import { type NamedProgram, namedPrograms } from "./named-programs.ts";

/** A source that becomes a program of the bundle, beside the one that the bundle is made for. */
interface FurtherProgram {
  readonly source: string;
  /** It is named where something is started: then it must be possible to build it. */
  isStarted: boolean;
  /** Why it cannot be built; it says so when it is started. */
  failure: string | null;
}

/**
 * The TypeScript sources that a bundle's sources name as programs of threads and children. What else they name is only known
 * when these are built, too.
 */
export class FurtherPrograms {
  readonly #entry: string;
  readonly #folder: string;
  readonly #named = new Map<string, NamedProgram>();
  readonly #programs = new Map<string, FurtherProgram>();
  readonly #places = new Map<string, string>();

  constructor(entry: string, folder: string) {
    this.#entry = entry;
    this.#folder = folder;
  }

  /** Looks what a source of the bundle names. */
  readonly read = async (path: string, text: string, loader: Loader): Promise<void> => {
    for (const named of await namedPrograms(path, text, loader, this.#folder))
      this.#named.set([named.place, named.isStarted].join("\0"), named);
  };

  /** Takes in what was named. False when all of it was taken before. */
  take(): boolean {
    const before = this.#programs.size + this.#places.size;
    for (const { source, place, isStarted } of this.#named.values()) {
      this.#places.set(this.#from(place), this.#from(source));
      if (source === this.#entry) continue;
      const program = this.#programs.get(source) ?? { source, isStarted: false, failure: null };
      program.isStarted ||= isStarted;
      this.#programs.set(source, program);
      // A source is started by its own name, too: by itself, say.
      this.#places.set(this.#from(source), this.#from(source));
    }
    return this.#programs.size + this.#places.size > before;
  }

  /** Files that must be watched, absolute, also those that cannot be built. */
  get sources(): readonly string[] {
    return this.#sorted.map(({ source }) => source);
  }

  /** Programs by the places that name them, from the folder. */
  get places(): ReadonlyMap<string, string> {
    return new Map([...this.#places].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Each program with the expression that says whether it is the one that runs. */
  get conditions(): ReadonlyMap<string, string> {
    if (this.#programs.size === 0) return new Map([[this.#entry, "true"]]);
    const all = [this.#entry, ...this.#programs.keys()];
    return new Map(all.map((source) => [source, `__constellationName === ${this.#name(source)}`]));
  }

  /**
   * What is built: the program, or one that becomes what it is told to be, unless its sources are lent to a program that
   * imports them one by one.
   */
  entry(format: ArtifactFormat): Pick<BuildOptions, "entryPoints" | "stdin"> {
    if (this.#programs.size === 0) return { entryPoints: [this.#entry] };
    const choice = (chosen: string, use: (source: string) => string): string => {
      const cases = this.#sorted.map(({ source, failure }) => {
        const what = failure === null ? use(JSON.stringify(source)) : `throw new Error(${JSON.stringify(failure)})`;
        return `case ${this.#name(source)}: ${what}; break;`;
      });
      return `switch (${chosen}) { ${cases.join(" ")} default: ${use(JSON.stringify(this.#entry))}; }`;
    };
    const run = choice("__constellationName", (source) =>
      format === "module" ? `await import(${source})` : `require(${source})`,
    );
    const lend = choice("name", (source) => `return await import(${source})`);
    const contents = `export const lend = async (name) => { ${lend} }; if (__constellationLent === undefined) ${run}`;
    return { stdin: { contents, resolveDir: this.#folder, sourcefile: "constellation:programs" } };
  }

  /**
   * Leaves out what cannot be built and perhaps need not be, since it is only named: it may be text to its program.
   *
   * @param alone builds one program by itself
   * @returns whether there was any
   */
  async leaveOut(alone: (source: string) => Promise<unknown>): Promise<boolean> {
    const doubtful = this.#sorted.filter(({ isStarted, failure }) => !isStarted && failure === null);
    await Promise.all(
      doubtful.map(async (program) => {
        try {
          await alone(program.source);
        } catch (error) {
          const { message, remedy } = buildFailed(this.#from(program.source), this.#folder, error);
          program.failure = `${message}. ${remedy}`;
        }
      }),
    );
    return doubtful.some(({ failure }) => failure !== null);
  }

  get #sorted(): readonly FurtherProgram[] {
    return [...this.#programs.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  #from(path: string): string {
    return relative(this.#folder, path);
  }

  #name(source: string): string {
    return JSON.stringify(this.#from(source));
  }
}
