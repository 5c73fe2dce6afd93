import { dirname } from "node:path";
import type { CompilerOptions, TsConfigs } from "./tsconfig.ts";

const saysHow = /\b(?:import|const|let|var)\b[^;"'`]*\bReact\b|@jsx\b|@jsxFrag\b|@jsxRuntime\b/;

/**
 * What tells esbuild that a source's JSX needs no `React` in it. So it takes JSX where a tsconfig.json says so, and otherwise as
 * calls of `React.createElement`: of a source that has no `React`, and says nothing else, that is never meant.
 */
export function withoutReact(path: string, text: string, configs: TsConfigs): string[] {
  if (!/\.[jt]sx$/.test(path) || saysHow.test(text) || saysOtherwise(configs.above(dirname(path)))) return [];
  return ["/* @jsxRuntime automatic */"];
}

/** Of `preserve` another compiler makes what it takes for right: that of Next, for one, what needs no `React`. */
const saysOtherwise = ({ jsx = "preserve", jsxFactory }: CompilerOptions): boolean =>
  String(jsx).toLowerCase() !== "preserve" || jsxFactory !== undefined;
