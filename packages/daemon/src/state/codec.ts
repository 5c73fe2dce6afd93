import { ConstellationError } from "@constellation/contract";
import { formatKey, type RecordKey } from "./keys.ts";
import { type RecordOf, recordSchemas } from "./records.ts";

/** Version of the stored form. Raise it with every change that older code could not read, and add the step to `migrations`. */
export const schemaVersion = 1;

/** `migrations[n]` brings a record of schema `n + 1` to schema `n + 2`. Records are brought up when read and stored anew when written. */
export const migrations: readonly ((kind: keyof RecordOf, record: unknown) => unknown)[] = [];

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The stored form of a record. */
export function encode(record: RecordOf[keyof RecordOf]): Uint8Array {
  return encoder.encode(JSON.stringify({ schema: schemaVersion, record }));
}

/**
 * Reads a stored record of any schema up to ours.
 *
 * @throws ConstellationError `state.corrupt`
 */
export function decode<Kind extends keyof RecordOf>(
  key: RecordKey & { kind: Kind },
  bytes: Uint8Array,
): RecordOf[Kind] {
  const { schema, record } = unwrap(key, bytes);
  const upToDate = migrations.slice(schema - 1).reduce((older, migrate) => migrate(key.kind, older), record);
  const parsed = recordSchemas[key.kind].safeParse(upToDate);
  if (parsed.success) return parsed.data;
  throw corrupt(key, parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}

function unwrap(key: RecordKey, bytes: Uint8Array): { schema: number; record: unknown } {
  let envelope: unknown;
  try {
    envelope = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw corrupt(key, error instanceof Error ? error.message : String(error));
  }
  const { schema, record } = (typeof envelope === "object" && envelope !== null ? envelope : {}) as {
    schema?: unknown;
    record?: unknown;
  };
  if (typeof schema !== "number" || !Number.isInteger(schema) || schema < 1)
    throw corrupt(key, "it has no schema version");
  if (schema > schemaVersion)
    throw new ConstellationError(
      "state.corrupt",
      `Cannot read ${formatKey(key)}: it has schema ${schema}, this version of Constellation knows up to ${schemaVersion}`,
      { remedy: "Use the newer version that wrote it." },
    );
  return { schema, record };
}

const corrupt = (key: RecordKey, detail: string): ConstellationError =>
  new ConstellationError("state.corrupt", `Cannot read ${formatKey(key)} from the state: ${detail}`, {
    remedy: "Restore the state from a backup, or remove the app and apply it again.",
    details: { key: formatKey(key) },
  });
