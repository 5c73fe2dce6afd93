/** How the compiler tells a decorator a type that has a name. */
const told = /typeof ([A-Za-z_$][\w$]*) === "undefined" \? Object : \1\b/g;
/** How it writes imports: a name for the default, names in braces, a module in quotes. */
const imports = /^import (?:([\w$]+),? ?)?(?:\{ (.*) \} )?from (".*");$/gm;

/**
 * The code of decorators, where the types that it tells are looked at in their modules instead of being imported by name. A
 * type may be nothing when it runs, which whoever imports it cannot know: esbuild refuses an import that is not exported,
 * but not the look at one.
 */
export function lookingAtTypes(code: string): string {
  const names = new Set([...code.matchAll(told)].map(([, name]) => name));
  if (names.size === 0) return code;
  const places = new Map<string, string>();
  let modules = 0;
  const text = code.replace(imports, (line: string, byDefault = "", named = "", from: string) => {
    const used = importedBy(byDefault, named).filter(({ local }) => names.has(local));
    if (used.length === 0) return line;
    const all = `__constellationTypes${(modules += 1)}`;
    for (const { local, name } of used) places.set(local, `${all}[${JSON.stringify(name)}]`);
    // On the same line, so that lines keep their numbers; an import by name that nobody uses is left out.
    return `${line} import * as ${all} from ${from};`;
  });
  return text.replace(told, (look, name: string) => {
    const place = places.get(name);
    return place === undefined ? look : `typeof ${place} === "undefined" ? Object : ${place}`;
  });
}

function importedBy(byDefault: string, named: string): { readonly name: string; readonly local: string }[] {
  const pairs = named.split(", ").map((each) => each.split(" as "));
  return [{ name: "default", local: byDefault }, ...pairs.map(([name = "", local = name]) => ({ name, local }))].filter(
    ({ local }) => local !== "",
  );
}
