/**
 * Nothing that these sources load at once may hold what `heavy` matches. Fails when something does, and when there was
 * nothing to look at.
 */
export function checkStart({ outputs }, sources, heavy) {
  const chunkOf = (source) => Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source)?.[0];
  const loaded = new Set();
  const visit = (path) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind } of outputs[path]?.imports ?? []) if (kind === "import-statement") visit(next);
  };
  for (const source of sources) {
    const chunk = chunkOf(source);
    if (chunk === undefined) throw new Error(`${source} is in no chunk: the check of the start is blind`);
    visit(chunk);
  }
  for (const path of loaded) {
    const found = Object.keys(outputs[path]?.inputs ?? {}).find((input) => heavy.test(input));
    if (found !== undefined) throw new Error(`${path} is loaded at every start and holds ${found}`);
  }
}
