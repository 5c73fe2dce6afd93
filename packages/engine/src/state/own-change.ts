import { copied } from "../copied.ts";
import type { Change } from "./store.ts";

/** The change with bytes of its own, for one watch: what it does to them is not the others' business. */
export function ownChange({ key, value }: Change): Change {
  return { key, value: value === null ? null : copied(value) };
}
