import { extname } from "node:path";

const asksForParent = /\bmodule\s*\.\s*(?:parent|filename)\b/;
const asksForMain = /\brequire\s*\.\s*main\b/;

/**
 * What tells a source of its module, for code that stands before it. To esbuild one of CommonJS has a module of exports
 * alone, so that `if (!module.parent)` would run it; one that exports as ES modules do has none, and would find the
 * bundle's, so that `if (require.main === module)` would run it, too.
 *
 * @param isProgram the expression that says whether it is the program that runs
 */
export function aboutModule(path: string, text: string, isProgram: string): string[] {
  if (!asksForParent.test(text) && !(asksForMain.test(text) && /\bmodule\b/.test(text))) return [];
  // To esbuild, who asks for `import.meta` has no module either, and will not ask for one.
  if (/^\.m[jt]s$/.test(extname(path)) || /\bimport\s*\.\s*meta\b/.test(text)) return [];
  if (/\b(?:const|let|var|function|class)\s+module\b/.test(text)) return [];
  const isExporting = /^\s*export\b/m.test(text);
  if (isExporting) return /\bmodule\s*\.\s*exports\b/.test(text) ? [] : [ownModule(text, isProgram)];
  const parent = asksForParent.test(text) ? inCommonJs.part : "";
  if (isProgram === "false") return parent === "" ? [] : [parent];
  return [`if (${isProgram}) { ${inCommonJs.program} } else { ${parent} }`];
}

const inCommonJs = {
  part: "module.parent ??= require.main ?? {}; module.filename ??= __filename;",
  program: 'require.main = Object.assign(module, { id: ".", parent: null, filename: __constellationProgram.source });',
} as const;

function ownModule(text: string, isProgram: string): string {
  const part = `{ parent: require.main ?? {}${asksForParent.test(text) ? ", filename: __filename" : ""} }`;
  if (isProgram === "false") return `const module = ${part};`;
  const program = 'require.main ??= { id: ".", parent: null, filename: __constellationProgram.source }';
  return `const module = ${isProgram} ? (${program}) : ${part};`;
}
