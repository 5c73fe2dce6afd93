import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { artifactFormat } from "@constellation/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Artifact, bundle } from "../src/bundle/bundle.ts";
import { NamedPlaces } from "../src/sources/named-places.ts";
import { temporaryFolder } from "./memory-home.ts";

const sources = {
  "lib.ts":
    "interface Luck { what: string }\n\nexport function fail(luck: Luck): never {\n  throw new TypeError(`no ${luck.what}`);\n}\n",
  "main.ts":
    'import { fail } from "./lib.ts";\ntype Name = string;\nconst name: Name = "luck";\nsetImmediate(() => {\n  fail({ what: name });\n});\n',
};

async function failing(more = ""): Promise<Artifact & { readonly file: string; readonly folder: string }> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "src"));
  for (const [name, text] of Object.entries(sources))
    writeFileSync(join(folder, "src", name), text + (name === "main.ts" ? more : ""));
  const artifact = await bundle({ entry: join(folder, "src/main.ts"), folder });
  const file = join(
    temporaryFolder(),
    `${artifact.sha256}.${artifactFormat(artifact.bytes) === "commonjs" ? "cjs" : "mjs"}`,
  );
  writeFileSync(file, artifact.bytes);
  return { ...artifact, file, folder };
}

describe("places in bundles", () => {
  test.each([
    ["CommonJS", ""],
    ["an ES module", "await undefined;"],
  ])("are those of the sources in what Node says of an uncaught error: %s", async (_, more) => {
    const { bytes, file, folder, sha256 } = await failing(more);
    const { stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
    expect(stderr).toContain(sha256);
    const shown = await new NamedPlaces(async () => bytes).in(stderr);
    expect(shown).not.toContain(sha256);
    expect(shown.split("\n")[0]).toBe("src/lib.ts:4");
    expect(shown).toMatch(/at fail \(src\/lib\.ts:4:9\)\n +at .*\(?src\/main\.ts:5:3\)?/);
  });

  test("are found within other text, and read once", async () => {
    const { bytes, file, sha256 } = await failing();
    const line =
      1 +
      Buffer.from(bytes)
        .toString()
        .split("\n")
        .findIndex((text) => text.includes("throw new TypeError"));
    let reads = 0;
    const places = new NamedPlaces(async () => (reads++, bytes));
    const json = `{"stack":"TypeError\\\\n    at fail (${file}:${line}:9)\\\\n    at ${file}:${line}:9"}`;
    expect(await places.in(json)).toBe(
      '{"stack":"TypeError\\\\n    at fail (src/lib.ts:4:9)\\\\n    at src/lib.ts:4:9"}',
    );
    expect(await places.in(`file://${file}:${line}`)).toBe("src/lib.ts:4");
    for (const other of [`see ${file}`, `${file}:1:1`, `${file}:99999:1`, `x${file}:${line}`, `${sha256}.cjs:${line}`])
      expect(await places.in(other)).toBe(other);
    expect(reads).toBe(1);
  });

  test("of bundles that are gone, damaged or too many stay as they are", async () => {
    const text = (at: number): string => `at /a/${at.toString(16).padStart(64, "0")}.cjs:1:1`;
    let reads = 0;
    const places = new NamedPlaces(async () =>
      ++reads % 2 === 0 ? null : Buffer.from("1\n//# sourceMappingURL=data:application/json;base64,xyz"),
    );
    for (let at = 0; at < 100; at++) expect(await places.in(text(at))).toBe(text(at));
    expect(reads).toBe(32);
  });

  test("no text is changed that names none", async () => {
    const places = new NamedPlaces(async () => expect.unreachable("nothing is to be read"));
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom("/", ".cjs:1", "a".repeat(63), ":", "\n", "(", "file://", "x") }),
        async (text) => {
          expect(await places.in(text)).toBe(text);
        },
      ),
    );
  });
});
