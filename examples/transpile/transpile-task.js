import { readFileSync, writeFileSync } from "node:fs";
import ts from "typescript-classic";

/** Reads, transpiles and writes one file; returns how many characters it made. */
export function transpile({ from, to }) {
  const { outputText } = ts.transpileModule(readFileSync(from, "utf8"), {
    compilerOptions: { target: ts.ScriptTarget.ES2020, module: ts.ModuleKind.ESNext },
    // A declaration file has nothing to emit; read as a module it is parsed and printed like any other.
    fileName: from.replace(/\.d\.ts$/, ".ts"),
  });
  writeFileSync(to, outputText);
  return outputText.length;
}
