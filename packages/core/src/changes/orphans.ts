/** An app that there is, as far as its file matters. */
export interface SourcedApp {
  readonly name: string;
  /** File of specs that it came from last. */
  readonly source: string | null;
}

/** Apps that came from the file `source` and are not in it any more, by name; without a file there are none. */
export function orphansOf(
  apps: readonly SourcedApp[],
  source: string | undefined,
  described: readonly string[],
): string[] {
  if (source === undefined) return [];
  return apps
    .filter((app) => app.source === source && !described.includes(app.name))
    .map(({ name }) => name)
    .sort();
}
