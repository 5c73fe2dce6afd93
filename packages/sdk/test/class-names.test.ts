import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { project, run } from "./project.ts";

/** What plain Node says of these is what the bundle must say. */
const sources = {
  "package.json": '{"type":"module"}',
  "main.js": `import { User as Other, later } from "./other.js"; import { User as Old } from "./old.cjs";
class User { static all = new Map([[User, 1]]); }
const Twice = class Inner { static self = Inner; };
class Base {}
class Child extends Base { static one = new Child(); }
let Decorated = class Decorated {}; Decorated = ((each) => each)(Decorated);
class Named { static self = Named; static name = "its own"; }
class Method { static self = Method; static name() { return "a method"; } }
class Getter { static ready = "no"; static self = Getter; static get name() { return "got " + Getter.ready; } }
function inner() { class User {} class Child extends User {} return [User.name, Child.name]; }
const anonymous = class {}, _Private = class _Private { static self = _Private; };
var Compiled = (function (_super) { function Compiled() {} Compiled.self = Compiled; return Compiled; })(Base);
var Sayer = (function () { Sayer.ready = 1; function Sayer() {} Sayer.self = Sayer; return Object.defineProperty(Sayer, "name", { value: "said" }); })();
const text = \`
class User2 {
}
function Compiled2() {
}\`;
console.log([User, Other, Old, Twice, Base, Child, Decorated, Named, Getter, anonymous, _Private].map((each) => each.name).join());
console.log(Compiled.name, new Compiled(), Sayer.name);
console.log(inner().join(), Method.name(), later().join(), text, new User().constructor.name);
try { throw new (class Failure extends Error { get name() { return this.constructor.name; } })("x"); } catch (error) { console.log(String(error)); }`,
  "other.js": `export class User {} class Base {} class User2 {} class Child extends Base {} export const later = () => [Base.name, Child.name, User2.name];`,
  "old.cjs": "class User {} exports.User = User; class Base {}",
};

test.each([
  ["CommonJS", ""],
  ["an ES module", "\nawait undefined;"],
])("classes have in a bundle the names that they have in Node: %s", async (_, more) => {
  const folder = project({ ...sources, "main.js": sources["main.js"] + more });
  const plain = execFileSync(process.execPath, [join(folder, "main.js")], { encoding: "utf8" });
  expect(plain).toContain("User,User,User,Inner,Base,Child,Decorated,its own,got no,anonymous,_Private");
  expect(plain).toContain("Compiled Compiled {} said");
  expect(await run(folder, "main.js")).toBe(plain);
});
