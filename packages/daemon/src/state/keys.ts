/** What a key of the desired state names. */
export type RecordKey =
  | { readonly kind: "app"; readonly app: string }
  | { readonly kind: "revision"; readonly app: string; readonly revision: number }
  | { readonly kind: "alloc"; readonly app: string; readonly index: number }
  | { readonly kind: "run"; readonly app: string; readonly index: number }
  | { readonly kind: "node"; readonly node: string };

/** `app.web`, `revision.web.7`, `alloc.web.2`, `run.web.2`, `node.local`. */
export function formatKey(key: RecordKey): string {
  switch (key.kind) {
    case "app":
      return `app.${key.app}`;
    case "revision":
      return `revision.${key.app}.${key.revision}`;
    case "alloc":
    case "run":
      return `${key.kind}.${key.app}.${key.index}`;
    case "node":
      return `node.${key.node}`;
  }
}

/** Reads what {@link formatKey} wrote; null for keys that are somebody else's. */
export function parseKey(text: string): RecordKey | null {
  const [kind, name = "", number, ...rest] = text.split(".");
  if (name === "" || rest.length > 0) return null;
  if (number === undefined) {
    if (kind === "app") return { kind, app: name };
    return kind === "node" ? { kind, node: name } : null;
  }
  if (!/^\d+$/.test(number)) return null;
  if (kind === "revision") return { kind, app: name, revision: Number(number) };
  return kind === "alloc" || kind === "run" ? { kind, app: name, index: Number(number) } : null;
}
