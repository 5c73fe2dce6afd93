/**
 * What a bundle does to Node's modules that start children and threads: told to run the program's own source, they run the
 * bundle. They are changed in place, so that packages beside the bundle find the same. One line each, without comments: it
 * stands on the first line of the bundle.
 */
const parts = {
  /** Whose child or thread it is finds the program's folder where its parent did, whatever its own working folder is. */
  shared: `
const __constellationStarts = (() => {
  process.env.CONSTELLATION_PROGRAM_FOLDER ??= __constellationBase;
  const { resolve } = require("node:path");
  const { fileURLToPath } = require("node:url");
  const { source, bundle } = __constellationProgram;
  const pathOf = (file, cwd) => {
    if (typeof file === "string") return resolve(cwd instanceof URL ? fileURLToPath(cwd) : cwd ?? "", file);
    return file instanceof URL && file.protocol === "file:" ? fileURLToPath(file) : "";
  };
  return {
    own: (file, cwd) => (pathOf(file, cwd) === source ? bundle : file),
    wrapped: (plain, wrap) => {
      const descriptors = Object.getOwnPropertyDescriptors(plain);
      const { custom } = require("node:util").promisify;
      if (descriptors[custom]) descriptors[custom] = { ...descriptors[custom], value: wrap(plain[custom]) };
      return Object.defineProperties(wrap(plain), descriptors);
    },
  };
})();`,

  /** `fork(source)`, and a Node that is started with the source as its program. */
  child_process: `
{
  const { own, wrapped } = __constellationStarts;
  const { basename } = require("node:path");
  const node = require("node:child_process");
  const cwdOf = (args, options) => (Array.isArray(args) ? options : args)?.cwd;
  const words = (file, args, options) => {
    if (!Array.isArray(args) || (file !== process.execPath && basename(String(file)) !== "node")) return args;
    for (const [at, word] of args.entries()) {
      if (/^(?:-p?e|-p|--eval|--print)$/.test(word)) return args;
      if (String(word).startsWith("-")) continue;
      const program = own(word, cwdOf(args, options));
      if (program !== word) return args.with(at, program);
      if (!/^-[^=]+$/.test(args[at - 1])) return args;
    }
    return args;
  };
  node.fork = wrapped(node.fork, (plain) => function (file, args, options, ...rest) {
    return plain.call(this, own(file, cwdOf(args, options)), args, options, ...rest);
  });
  for (const name of ["spawn", "spawnSync", "execFile", "execFileSync"])
    node[name] = wrapped(node[name], (plain) => function (file, args, ...rest) {
      return plain.call(this, file, words(file, args, rest[0]), ...rest);
    });
}`,

  /** `new Worker(source)` */
  worker_threads: `
{
  const { own } = __constellationStarts;
  const node = require("node:worker_threads");
  const Plain = node.Worker;
  node.Worker = class Worker extends Plain {
    constructor(file, options = {}) {
      const named = typeof file !== "string" || /^(?:\\.{0,2}\\/)/.test(file);
      super(named && !options?.eval ? own(file) : file, options);
    }
  };
}`,

  /** `cluster.fork()`, which sets up what was not set up, and starts `process.argv[1]` unless it is told otherwise. */
  cluster: `
{
  const { own } = __constellationStarts;
  const node = require("node:cluster");
  const plain = node.setupPrimary;
  if (plain) node.setupPrimary = node.setupMaster = (options) => {
    const { exec = node.settings.exec ?? process.argv[1], cwd = node.settings.cwd } = options ?? {};
    return plain.call(node, { ...options, exec: own(exec, cwd) });
  };
}`,
} as const;

const modules = ["child_process", "worker_threads", "cluster"] as const;

/** The code for a bundle whose sources import these modules; empty when they start nothing. */
export function startingItself(imported: ReadonlySet<string>): string {
  const wanted = modules.filter((name) => imported.has(name) || imported.has(`node:${name}`));
  if (wanted.length === 0) return "";
  return [parts.shared, ...wanted.map((name) => parts[name])]
    .join("")
    .replace(/\s*\n\s*/g, " ")
    .trim();
}
