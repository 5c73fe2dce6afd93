const helper = "var __toCommonJS = (mod) => ";
const named = '"module.exports": () => ';

/**
 * What `require()` of an ES module answers: to Node it is what the module exports as `"module.exports"`, if it does
 * (yargs); to esbuild it is always all exports. Lines stay what they are.
 */
export function withModuleExports(built: Uint8Array): Uint8Array {
  const bytes = Buffer.from(built.buffer, built.byteOffset, built.byteLength);
  const at = bytes.includes(named) ? bytes.indexOf(helper) : -1;
  if (at < 0) return built;
  const end = at + helper.length;
  return Buffer.concat([
    bytes.subarray(0, end),
    Buffer.from('"module.exports" in mod ? mod["module.exports"] : '),
    bytes.subarray(end),
  ]);
}
