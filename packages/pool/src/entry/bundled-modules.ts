/**
 * What `constellation up` makes of a script: one file that has the script's sources in itself. They may be TypeScript, which
 * this Node cannot read, or not be there any more.
 */
export interface Bundle {
  /** The file; `lend(program)` of its exports imports a source out of it. */
  readonly url: string;
  readonly folder: string;
  /** Sources by their URL. */
  readonly modules: Readonly<Record<string, string>>;
}

/** Where a bundle says what it is, and where it finds out that it is imported for its sources (packages/sdk: lending.ts). */
const key = Symbol.for("constellation.bundle");
const here = globalThis as { [key]?: Bundle };

/** The bundle that this thread runs, or has been told of; null when there is none. */
export const knownBundle = (): Bundle | null => here[key] ?? null;

/** Tells this thread of the bundle whose pool it works for. */
export function tellOfBundle(bundle: Bundle | null): void {
  if (bundle !== null) here[key] ??= bundle;
}

/** Imports a module, out of the bundle where that has it. */
export async function importModule(url: string): Promise<Readonly<Record<string, unknown>>> {
  const bundle = knownBundle();
  const program = bundle?.modules[url];
  if (bundle === null || program === undefined) return (await import(url)) as Record<string, unknown>;
  const { lend } = (await import(bundle.url)) as {
    readonly lend: (program: string) => Promise<Record<string, unknown>>;
  };
  return await lend(program);
}
