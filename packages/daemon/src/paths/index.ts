/** Where a daemon keeps its things. */
export { type Layout, layoutOf, prepareFolders } from "./layout.ts";
export { privately } from "./privately.ts";
