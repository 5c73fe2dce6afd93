/** What a parser made of a text, kept while the text stays the same: of the tables that are read each second most do. */
export class Parsed<T> {
  readonly #parse: (text: string) => T;
  #last: { readonly text: string; readonly value: T } | undefined;

  constructor(parse: (text: string) => T) {
    this.#parse = parse;
  }

  /** Nobody may change what this returns: the next call may return it again. */
  from(text: string): T {
    if (this.#last?.text !== text) this.#last = { text, value: this.#parse(text) };
    return this.#last.value;
  }
}
