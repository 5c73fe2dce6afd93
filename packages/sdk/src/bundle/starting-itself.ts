/**
 * Modules that stand in a bundle for those of Node by which a program starts children and threads. Each gives Node's own
 * module, changed in place so that packages that are not part of the bundle find the same one.
 */

/** `programOf(file)`: the bundle for the program's own source, anything else as it is. */
export const programOf = `
const { resolve } = require("node:path");
const { fileURLToPath } = require("node:url");
const { source, bundle } = __constellationProgram;
const pathOf = (file) =>
  typeof file === "string" ? resolve(file) : file instanceof URL && file.protocol === "file:" ? fileURLToPath(file) : "";
module.exports = (file) => (pathOf(file) === source ? bundle : file);
`;

/** `fork(source)`, and a Node that is started with the source as its program. */
export const moduleOfChildren = `
const { syncBuiltinESMExports } = require("node:module");
const { basename } = require("node:path");
const { promisify } = require("node:util");
const programOf = require("programOf");
const node = require("node:child_process");

const takesNext = /^(?:-r|-C|--require|--import|--loader|--experimental-loader|--conditions|--env-file)$/;
const isNode = (file) => file === process.execPath || basename(String(file)) === "node";
const words = (file, args) => {
  if (!Array.isArray(args) || !isNode(file)) return args;
  const at = args.findIndex((word, index) => !String(word).startsWith("-") && !takesNext.test(args[index - 1]));
  const inline = args.slice(0, at).some((word) => /^(?:-p?e|-p|--eval|--print)$/.test(word));
  return at < 0 || inline ? args : args.with(at, programOf(args[at]));
};
const replace = (name, around) => {
  const descriptors = Object.getOwnPropertyDescriptors(node[name]);
  const inPromises = descriptors[promisify.custom];
  if (inPromises) inPromises.value = around(inPromises.value);
  node[name] = Object.defineProperties(around(node[name]), descriptors);
};
replace("fork", (plain) => function (file, ...rest) {
  return plain.call(this, programOf(file), ...rest);
});
for (const name of ["spawn", "spawnSync", "execFile", "execFileSync"])
  replace(name, (plain) => function (file, args, ...rest) {
    return plain.call(this, file, words(file, args), ...rest);
  });
syncBuiltinESMExports();
module.exports = node;
`;

/** `new Worker(source)` */
export const moduleOfThreads = `
const { syncBuiltinESMExports } = require("node:module");
const programOf = require("programOf");
const node = require("node:worker_threads");

const Plain = node.Worker;
node.Worker = class Worker extends Plain {
  constructor(file, options) {
    super(options?.eval ? file : programOf(file), options);
  }
};
syncBuiltinESMExports();
module.exports = node;
`;

/** `cluster.fork()`, which starts `process.argv[1]` unless it is told otherwise. */
export const moduleOfClusters = `
const { syncBuiltinESMExports } = require("node:module");
const programOf = require("programOf");
const node = require("node:cluster");

if (node.isPrimary) {
  node.settings.exec ??= __constellationProgram.bundle;
  const plain = node.setupPrimary;
  node.setupPrimary = node.setupMaster = (options) =>
    plain.call(node, options?.exec === undefined ? options : { ...options, exec: programOf(options.exec) });
  syncBuiltinESMExports();
}
module.exports = node;
`;
