import { readFile } from "node:fs/promises";
import { createRequire, SourceMap } from "node:module";
import { dirname, extname, relative } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { OnLoadResult, PartialMessage, Plugin } from "esbuild";
import type * as oxc from "oxc-transform";
import { isInPackage } from "./in-package.ts";
import { lookingAtTypes } from "./types-looked-at.ts";
import { TsConfigs } from "./tsconfig.ts";

const languages: Readonly<Record<string, "ts" | "tsx">> = { ".ts": "ts", ".mts": "ts", ".cts": "ts", ".tsx": "tsx" };
/** Much else looks like one, which costs a look at a tsconfig.json. */
const decorator = /(?:^|[\s(,;])@[A-Za-z_$]/m;
const helpers = "decorator-helper";
const ours = createRequire(import.meta.url);

/**
 * Decorators that ask for the types of what they decorate (`emitDecoratorMetadata`: NestJS, TypeORM, class-transformer).
 * esbuild knows no types and leaves them out; sources with decorators go through a compiler that writes them down.
 */
export class DecoratorMetadata {
  readonly #folder: string;
  readonly #configs = new TsConfigs();
  readonly #maps = new Map<string, SourceMap>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What esbuild shall take for a source; null for the source as it is. */
  async compiled(path: string, text: string): Promise<OnLoadResult | null> {
    const lang = languages[extname(path)];
    if (lang === undefined || isInPackage(path) || !decorator.test(text)) return null;
    const { emitDecoratorMetadata, strict, strictNullChecks = strict } = this.#configs.above(dirname(path));
    if (emitDecoratorMetadata !== true) return null;
    const { transform } = compiler(relative(this.#folder, path));
    const { code, map, errors } = await transform(path, text, {
      lang,
      sourcemap: true,
      jsx: "preserve",
      decorator: { legacy: true, emitDecoratorMetadata: true, strictNullChecks: strictNullChecks === true },
    });
    if (errors.length > 0)
      return { errors: errors.map((error) => toMessage(relative(this.#folder, path), text, error)) };
    if (map != null) this.#maps.set(path, new SourceMap({ ...map, sourcesContent: [], file: path, sourceRoot: "" }));
    const encoded = Buffer.from(JSON.stringify(map)).toString("base64");
    // Still as TypeScript: what is done with fields, and with imports of what is only a type, is esbuild's to do.
    return {
      contents: `${lookingAtTypes(code)}\n//# sourceMappingURL=data:application/json;base64,${encoded}`,
      loader: lang,
    };
  }

  /** Where in a source is what is at a place of what it was compiled to; both count lines from 1 and columns from 0. */
  readonly original = (path: string, line: number, column: number): { line: number; column: number } => {
    const found = this.#maps.get(path)?.findEntry(line - 1, column);
    if (found === undefined || !("originalLine" in found)) return { line, column };
    return { line: found.originalLine + 1, column: found.originalColumn };
  };

  /** The functions that compiled sources call, from our own packages. */
  readonly plugin: Plugin = {
    name: "decorator-metadata",
    setup(build) {
      build.onResolve({ filter: /^@oxc-project\/runtime\/helpers\/\w+$/ }, ({ path }) => ({
        path: path.slice(path.lastIndexOf("/") + 1),
        namespace: helpers,
      }));
      build.onLoad({ filter: /.*/, namespace: helpers }, async ({ path }) => ({
        contents: await readFile(ours.resolve(`@oxc-project/runtime/helpers/${path}`), "utf8"),
        loader: "js",
      }));
    },
  };
}

/** Loaded by those only whose sources need it, and by a name that leads no bundler to its native code. */
function compiler(path: string): Pick<typeof oxc, "transform"> {
  try {
    return ours("oxc-transform") as typeof oxc;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConstellationError(
      "script.build-failed",
      `Cannot build ${path}: its decorators ask for types (emitDecoratorMetadata), and the compiler for them cannot be loaded: ${why}`,
      {
        cause,
        remedy:
          "Install Constellation again with its packages for this platform, or set `script` to what `tsc` has written.",
      },
    );
  }
}

function toMessage(file: string, text: string, { message, labels: [label] }: oxc.OxcError): PartialMessage {
  if (label === undefined) return { text: `${file}: ${message}` };
  const before = text.slice(0, label.start).split("\n");
  return { text: message, location: { file, line: before.length, column: before.at(-1)?.length ?? 0 } };
}
