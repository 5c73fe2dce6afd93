/** Flags of node that take their value as the next word. */
const withValue = new Set([
  "--require",
  "-r",
  "--import",
  "--loader",
  "--experimental-loader",
  "--conditions",
  "-C",
  "--env-file",
  "--env-file-if-exists",
  "--test-name-pattern",
  "--test-skip-pattern",
  "--test-timeout",
  "--disable-warning",
  "--unhandled-rejections",
  "--title",
]);
/** Flags that say how `node --test` runs files and what it prints; here each file is run by itself. */
const ofTheParent =
  /^--(test$|test-reporter|test-concurrency|test-isolation|experimental-test-isolation|watch|test-shard|experimental-test-coverage|test-coverage)/;

/** Splits what follows `node` into flags for each file's process and patterns of files. */
export function splitNodeArgs(words: readonly string[]): { readonly flags: string[]; readonly patterns: string[] } {
  const flags: string[] = [];
  const patterns: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) patterns.push(word);
    else if (ofTheParent.test(word)) {
      if (/^--test-(reporter|reporter-destination|concurrency|shard|isolation)$/.test(word)) at += 1;
    } else {
      flags.push(word);
      const value = words[at + 1];
      if (withValue.has(word) && value !== undefined) {
        flags.push(value);
        at += 1;
      }
    }
  }
  return { flags, patterns };
}
