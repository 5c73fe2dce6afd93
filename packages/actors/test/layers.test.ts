import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

// The sources read as layers: a file speaks only of what stands below it, in types too, and so does a folder.
const src = fileURLToPath(new URL("../src", import.meta.url));
const imports = readImports();

it("no file speaks of itself by way of others", () => {
  expect(imports.size).toBeGreaterThan(100);
  expect([...imports.values()].flat().length).toBeGreaterThan(300);
  expect(ringIn(imports)).toBeNull();
});

it("no folder does", () => {
  const folders = new Map<string, string[]>();
  for (const [file, targets] of imports) {
    const known = folders.get(layerOf(file)) ?? [];
    const others = targets.map(layerOf).filter((target) => target !== layerOf(file));
    folders.set(layerOf(file), [...known, ...others]);
  }
  expect(folders.size).toBeGreaterThan(15);
  expect(ringIn(folders)).toBeNull();
});

/** Each source file with those that it imports, types included. */
function readImports(): Map<string, string[]> {
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(src, file), "utf8");
      const found = text.match(/(?<= from ")\.[^"]+(?=")/g) ?? [];
      return [file, found.map((specifier) => relative(src, join(src, dirname(file), specifier)))];
    }),
  );
}

function layerOf(file: string): string {
  return file.replace(/\/.*/, "");
}

/** A way from a node back to itself; null when there is none. */
function ringIn(graph: ReadonlyMap<string, readonly string[]>): string | null {
  const done = new Set<string>();
  const search = (node: string, path: readonly string[]): string | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node].join(" -> ");
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const ring = search(next, [...path, node]);
      if (ring !== null) return ring;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const ring = search(node, []);
    if (ring !== null) return ring;
  }
  return null;
}
