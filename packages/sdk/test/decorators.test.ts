import { join } from "node:path";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bundle } from "../src/bundle/bundle.ts";
import { NamedPlaces } from "../src/sources/named-places.ts";
import { artifact, failure, project, run } from "./project.ts";

const service = `import { Told, type Shape } from "./told";
import { Greeter } from "./greeter";
import { Options } from "./options";
import Whole, { Part as Renamed, Only } from "./parts";
@Told()
export class Service {
  optional?: string;
  count = 2;
  constructor(private readonly greeter: Greeter, @Told() public options: Options, shape: Shape, tags: string[], whole: Whole, part: Renamed, only: Only, maybe: Greeter | null = null) {}
  @Told() list(limit: number, note: string | null = null): Promise<void> { return Promise.reject(new Error(String(limit) + (note ?? "") + this.greeter.hello())); }
}`;
const files = {
  "base/strict.json":
    '// comments, and commas\n{ "compilerOptions": { "experimentalDecorators": true, "strict": true, /* here */ "emitDecoratorMetadata": true, }, }',
  "tsconfig.json":
    '{ "$schema": "https://json.schemastore.org/tsconfig", "extends": ["./base/strict"], "compilerOptions": { "target": "ES2021" } }',
  "src/told.ts": `export interface Shape { a: 1 }
const said: string[] = [];
Object.assign(Reflect, { metadata: (key: string, value: unknown) => () => void said.push(key + " " + [value].flat().map((each: any) => each?.name ?? String(each)).join()) });
export const Told = () => (..._: unknown[]): any => undefined;
export const all = (): string => said.join("\\n");`,
  "src/greeter.ts": "export class Greeter { hello() { return 'hello'; } }",
  "src/parts.ts": "export default class Whole {} export class Part {} export type Only = { c: 3 };",
  "src/options.ts": "export interface Options { b: 2 }",
  "src/service.ts": service,
  "src/main.ts": `import { all } from "./told"; import { Service } from "./service"; import { Greeter } from "./greeter";
const made = new Service(new Greeter(), { b: 2 }, { a: 1 }, [], {}, {}, { c: 3 });
console.log(all()); console.log(Object.keys(made).join(), Service.name);
made.list(1).catch((error) => console.error(error.stack));`,
};

describe("decorators that ask for types", () => {
  test("are told them, as by tsc, with the settings of the tsconfig.json above and what it extends", async () => {
    const folder = project(files);
    expect(await run(folder, "src/main.ts")).toBe(
      [
        "design:returntype Promise",
        "design:paramtypes Number,Object",
        "design:type Function",
        // An interface is nothing when it runs, and with strict null checks a union is no class.
        "design:paramtypes Greeter,Object,Object,Array,Whole,Part,Object,Object",
        // Without a field that is declared only: before ES2022 TypeScript makes none.
        "count,greeter,options Service",
        "",
      ].join("\n"),
    );
  });

  test("without strict null checks null is left out of a union, and with newer targets fields are fields", async () => {
    const loose =
      '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true, "target": "ES2022" } }';
    const out = await run(project({ ...files, "tsconfig.json": loose }), "src/main.ts");
    expect(out).toContain("design:paramtypes Number,String\n");
    expect(out).toMatch(/^(greeter,options,)?optional,count(,greeter,options)? Service$/m);
  });

  test("keep the lines of their sources in stack traces", async () => {
    const folder = project(files);
    const { bytes, sha256 } = await bundle({ entry: join(folder, "src/main.ts"), folder });
    const file = await artifact(folder, "src/main.ts");
    const { stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
    const asInstance = stderr.replaceAll(file, `/artifacts/${sha256}.cjs`);
    expect(await new NamedPlaces(async () => bytes).in(asInstance)).toMatch(
      /at Service\d?\.list \(src\/service\.ts:10:\d+\)/,
    );
  });

  test("are left to esbuild where no tsconfig.json asks for it", async () => {
    const quiet = '{ "compilerOptions": { "experimentalDecorators": true } }';
    expect(await run(project({ ...files, "tsconfig.json": quiet }), "src/main.ts")).toMatch(/^\n/);
  });

  test("say where their source is wrong", async () => {
    const folder = project({ ...files, "src/service.ts": service.replace("count = 2;", "count = ;") });
    const error = await failure(bundle({ entry: join(folder, "src/main.ts"), folder }));
    expect(error).toMatchObject({ code: "script.build-failed" });
    expect(error.message).toMatch(/src\/service\.ts:8:\d+: /);
  });

  test("a package that is not there is told where it is imported, and not where the compiler put that", async () => {
    const text = `// Here.\n\n${service.replace("./options", "not-there")}\nconst x: number = 1;\n\n\nrequire("nor-this");`;
    const folder = project({ ...files, "src/service.ts": text });
    const error = await failure(bundle({ entry: join(folder, "src/main.ts"), folder }));
    expect(error.message).toContain('src/service.ts:5:25: Could not resolve "not-there"');
    expect(error.message).toContain('src/service.ts:17:9: Could not resolve "nor-this"');
  });

  test("give the same bytes wherever the folder is, and name no file of ours", async () => {
    const [one, other] = await Promise.all([
      artifact(project(files), "src/main.ts"),
      artifact(project(files), "src/main.ts"),
    ]);
    expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
    const map = /base64,(.*)\s*$/.exec(readFileSync(one, "utf8"))?.[1] ?? "";
    const { sources } = JSON.parse(Buffer.from(map, "base64").toString()) as { sources: string[] };
    expect(
      sources.filter((source) => !source.startsWith("src/")).every((source) => source.startsWith("decorator-helper:")),
    ).toBe(true);
  });
});

describe("what a package can do without", () => {
  const optional = {
    "main.js":
      'const { load } = require("nest"); for (const how of ["call", "resolve"]) console.log(load(how)); load("import").then(console.log);',
    "node_modules/nest/package.json": '{"name":"nest","main":"index.js"}',
    "node_modules/nest/index.js": `const ask = (get) => { try { return get(); } catch (error) { return error.code + (/not-there/.test(error.message) ? "" : error.message); } };
      exports.load = (how) => how === "call" ? ask(() => require("not-there")) : how === "resolve" ? ask(() => require.resolve("@not/there/not-there.js"))
        : import("not-there").then(() => "there", (error) => error.code);`,
  };

  test("and is not installed is missed when it is asked for, as in Node", async () => {
    const folder = project(optional);
    const plain = execFileSync(process.execPath, [join(folder, "main.js")], { encoding: "utf8" });
    expect(plain).toBe("MODULE_NOT_FOUND\nMODULE_NOT_FOUND\nERR_MODULE_NOT_FOUND\n");
    expect(await run(folder, "main.js")).toBe(plain.replace("ERR_MODULE", "MODULE"));
  });

  test("is needed by the app's own sources, and by imports that cannot wait", async () => {
    const own = project({ ...optional, "main.js": 'exports.later = () => require("not-there");' });
    expect((await failure(bundle({ entry: join(own, "main.js"), folder: own }))).message).toContain("not-there");
    const still = project({ ...optional, "node_modules/nest/index.js": 'import "not-there"; export const load = 1;' });
    const { message, remedy } = await failure(bundle({ entry: join(still, "main.js"), folder: still }));
    expect(message).toContain('Could not resolve "not-there"');
    expect(remedy).toContain("npm install not-there");
  });
});
