import type { Batch } from "./protocol.ts";

/** Longer strings are cheaper in V8's format. */
const longestText = 256;

/** Stands for `undefined`, which JSON does not know; objects are never plain. */
const absent = {};

/**
 * A batch as JSON when every value is a short string, a number, a boolean, null or undefined and JSON keeps it as it is;
 * null otherwise. Most batches are so small that setting up V8's serializer costs more than all the rest.
 */
export function plainText(batch: Batch): string | null {
  let values = batch;
  for (let at = 0; at < batch.length; at += 1) {
    const value = batch[at];
    if (value === undefined) {
      if (values === batch) values = [...batch];
      values[at] = absent;
    } else if (!isPlain(value)) return null;
  }
  return JSON.stringify(values);
}

/** The batch again. */
export function plainBatch(text: string): Batch {
  const batch = JSON.parse(text) as Batch;
  for (let at = 0; at < batch.length; at += 1)
    if (typeof batch[at] === "object" && batch[at] !== null) batch[at] = undefined;
  return batch;
}

function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "string":
      return value.length <= longestText;
    case "boolean":
      return true;
    default:
      return value === null;
  }
}
