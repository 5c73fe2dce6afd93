import type { SourceMap } from "node:module";
import { sourceMapOf } from "../sources/source-map.ts";

/** A class, after the variable that it is given to, with or without a name of its own. */
const classes = /(?:(?<![.\w$])([\w$]+) = )?\bclass(?: ([\w$]+))?(?: extends [^\n{}]+)? \{$/gm;

/** Where a class was compiled to a function: a statement that declares one with a capital. */
const constructors = /(?<=(?:[;{}]|\*\/)\n *)function ([A-Z][\w$]*\d)\(/g;

/**
 * Gives classes their own names again. esbuild calls those otherwise whose names are there twice in a bundle (`User2`), those
 * that name themselves in their static parts (`_User`), and those that an older compiler made functions of; to frameworks a
 * name is more than a name: of a table, of a provider, of an error. Lines stay what they are.
 */
export function withClassNames(built: Uint8Array): Uint8Array {
  const text = Buffer.from(built.buffer, built.byteOffset, built.byteLength).toString();
  const functions = [...text.matchAll(constructors)];
  const found = [...text.matchAll(classes)]
    .filter(([, variable = "", name]) => /\d$|^_/.test(name ?? variable))
    .concat(functions)
    .sort((a, b) => a.index - b.index);
  const map = found.length === 0 ? null : sourceMapOf(built);
  if (map === null) return built;
  const names = new OwnNames(text, map);
  const parts: string[] = [];
  let done = 0;
  for (const match of found) {
    const insertion = match[0].startsWith("function ") ? ofFunction(names, match) : ofClass(names, match);
    if (insertion === null) continue;
    parts.push(text.slice(done, insertion.at), insertion.text);
    done = insertion.at;
  }
  return parts.length === 0 ? built : Buffer.from(parts.join("") + text.slice(done));
}

interface Insertion {
  readonly at: number;
  readonly text: string;
}

function ofClass(names: OwnNames, match: RegExpExecArray): Insertion | null {
  const [whole, variable, name = variable ?? ""] = match;
  const own = ownName(names, match);
  if (own === undefined || own === name) return null;
  return { at: match.index + whole.length, text: ` static { ${givesName("this", name, own)} }` };
}

/** It is there before the statement that declares it. */
function ofFunction(names: OwnNames, { 1: name = "", index }: RegExpExecArray): Insertion | null {
  const own = names.at(index + "function ".length);
  return own === undefined ? null : { at: index, text: `${givesName(name, name, own)} ` };
}

function ownName(names: OwnNames, { 0: whole, 1: variable, 2: name, index }: RegExpExecArray): string | undefined {
  const given = variable === undefined ? undefined : (names.at(index) ?? variable);
  if (name === undefined) return given;
  return (
    names.at(index + whole.indexOf(`class ${name}`) + "class ".length) ?? (name === `_${given}` ? given : undefined)
  );
}

/** The first thing that a class does, and what is done before a function; not for one that says itself what its `name` is. */
const givesName = (what: string, name: string, own: string): string =>
  `if (Object.getOwnPropertyDescriptor(${what}, "name")?.value === ${JSON.stringify(name)}) Object.defineProperty(${what}, "name", { value: ${JSON.stringify(own)}, configurable: true });`;

/** What names were in the sources, asked for from the beginning of a bundle to its end. */
class OwnNames {
  readonly #text: string;
  readonly #map: SourceMap;
  #line = 0;
  #lineAt = 0;

  constructor(text: string, map: SourceMap) {
    this.#text = text;
    this.#map = map;
  }

  /** Of the name at a place of the text; undefined for one that is as it was. */
  at(place: number): string | undefined {
    for (let next; (next = this.#text.indexOf("\n", this.#lineAt)) >= 0 && next < place; this.#lineAt = next + 1)
      this.#line += 1;
    const column = place - this.#lineAt;
    const { generatedLine, generatedColumn, name } = this.#map.findEntry(this.#line, column) as Entry;
    return generatedLine === this.#line && generatedColumn === column ? name : undefined;
  }
}

/** The types of Node leave the name out. */
interface Entry {
  readonly generatedLine?: number;
  readonly generatedColumn?: number;
  readonly name?: string;
}
