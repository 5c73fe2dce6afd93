/** Artifacts: bundled scripts named by their hash, stored once and executed from files. */
export { Artifacts } from "./artifacts.ts";
