/** Takes options out of the words that a project passes to its framework, with their values: `--jobs 4`, `--jobs=4`, `-j4`. */
export function without(words: readonly string[], names: readonly string[]): string[] {
  const left: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (names.includes(word)) at += 1;
    else if (!names.some((name) => holdsValue(word, name))) left.push(word);
  }
  return left;
}

/**
 * The project's words with the number of jobs of an attempt: some frameworks refuse to be told twice. A project that asks
 * for fewer keeps its own number.
 *
 * @param names how the framework calls it, the one to use first
 * @param jobs undefined: what the project says, or what the framework likes
 */
export function withJobs(words: readonly string[], names: readonly string[], jobs: number | undefined): string[] {
  if (jobs === undefined) return [...words];
  const own = words.flatMap((word, at) => {
    const name = names.find((each) => word === each || holdsValue(word, each));
    if (name === undefined) return [];
    const value = word === name ? words[at + 1] : word.slice(name.length).replace(/^=/, "");
    return /^\d+$/.test(value ?? "") ? [Number(value)] : [];
  });
  return [...without(words, names), `${names[0] ?? ""}=${Math.min(jobs, ...own)}`];
}

/** A value in the same word, behind `=` or, after a single letter, at once. */
function holdsValue(word: string, name: string): boolean {
  return word.startsWith(`${name}=`) || (/^-\w$/.test(name) && word.startsWith(name) && /^-\w\d/.test(word));
}
