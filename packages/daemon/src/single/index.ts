/** One daemon for each state directory. */
export { openAlone } from "./single.ts";
