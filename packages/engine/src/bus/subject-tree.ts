interface Branch<T> {
  readonly children: Map<string, Branch<T>>;
  /** Whose pattern ends here. */
  readonly here: Set<T>;
  /** Whose pattern ends here with ">". */
  readonly below: Set<T>;
}

/** Who listens to which pattern; a lookup costs the subject's length, not the number of listeners. */
export class SubjectTree<T> {
  readonly #root: Branch<T> = branch();

  add(pattern: string, listener: T): void {
    const { at, rest } = this.#walk(pattern);
    (rest ? at.below : at.here).add(listener);
  }

  remove(pattern: string, listener: T): void {
    removeFrom(this.#root, pattern.split("."), listener);
  }

  matching(subject: string): T[] {
    const found: T[] = [];
    collect(this.#root, subject.split("."), 0, found);
    return found;
  }

  #walk(pattern: string): { at: Branch<T>; rest: boolean } {
    let at = this.#root;
    for (const token of pattern.split(".")) {
      if (token === ">") return { at, rest: true };
      let next = at.children.get(token);
      if (next === undefined) at.children.set(token, (next = branch()));
      at = next;
    }
    return { at, rest: false };
  }
}

function branch<T>(): Branch<T> {
  return { children: new Map(), here: new Set(), below: new Set() };
}

function collect<T>(at: Branch<T>, tokens: readonly string[], index: number, found: T[]): void {
  const token = tokens[index];
  if (token === undefined) {
    found.push(...at.here);
    return;
  }
  found.push(...at.below);
  const [exact, any] = [at.children.get(token), at.children.get("*")];
  if (exact !== undefined) collect(exact, tokens, index + 1, found);
  if (any !== undefined) collect(any, tokens, index + 1, found);
}

// Returns whether the branch is empty now, so that its parent drops it.
function removeFrom<T>(at: Branch<T>, tokens: readonly string[], listener: T): boolean {
  const [token, ...rest] = tokens;
  if (token === undefined) at.here.delete(listener);
  else if (token === ">") at.below.delete(listener);
  else {
    const child = at.children.get(token);
    if (child !== undefined && removeFrom(child, rest, listener)) at.children.delete(token);
  }
  return at.children.size === 0 && at.here.size === 0 && at.below.size === 0;
}
