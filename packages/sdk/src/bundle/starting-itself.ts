/**
 * What a bundle does to Node's modules that start children and threads: told to run a source that is a program of the bundle,
 * they run the bundle, which learns by `toldBy` what it is. They are changed in place, so that packages beside the bundle find
 * the same. One line each, without comments: it stands on the first line of the bundle.
 */
const parts = {
  shared: (places: ReadonlyMap<string, string>): string => `
const __constellationStarts = (() => {
  const { relative, resolve } = require("node:path");
  const { fileURLToPath } = require("node:url");
  const places = ${literal(places)};
  const pathOf = (file, cwd) => {
    if (typeof file === "string") return resolve(cwd instanceof URL ? fileURLToPath(cwd) : cwd ?? "", file);
    return file instanceof URL && file.protocol === "file:" ? fileURLToPath(file) : "";
  };
  const toldTo = (program) => JSON.stringify({ folder: __constellationBase, program });
  return {
    bundle: __constellationProgram.bundle,
    programOf: (file, cwd) => places[relative(__constellationBase, pathOf(file, cwd))],
    toldTo,
    telling: (program, env) => {
      const all = {};
      for (const name in env) all[name] = env[name];
      return { ...all, ${toldBy}: toldTo(program) };
    },
    wrapped: (plain, wrap) => {
      const descriptors = Object.getOwnPropertyDescriptors(plain);
      const { custom } = require("node:util").promisify;
      if (descriptors[custom]) descriptors[custom] = { ...descriptors[custom], value: wrap(plain[custom]) };
      return Object.defineProperties(wrap(plain), descriptors);
    },
  };
})();`,

  /** `fork(source)`, and a Node that is started with the source as its program. */
  child_process: () => `
{
  const { bundle, programOf, telling, wrapped } = __constellationStarts;
  const { basename } = require("node:path");
  const node = require("node:child_process");
  const isOptions = (args) => typeof args === "object" && args !== null && !Array.isArray(args);
  const withTold = (program, options) => ({ ...options, env: telling(program, options?.env ?? process.env) });
  const programAt = (file, args, cwd) => {
    if (!Array.isArray(args) || (file !== process.execPath && basename(String(file)) !== "node")) return -1;
    for (const [at, word] of args.entries()) {
      if (/^(?:-p?e|-p|--eval|--print)$/.test(word)) return -1;
      if (String(word).startsWith("-")) continue;
      if (programOf(word, cwd) !== undefined) return at;
      if (!/^-[^=]+$/.test(args[at - 1])) return -1;
    }
    return -1;
  };
  node.fork = wrapped(node.fork, (plain) => function (file, args, ...rest) {
    const [words, options] = isOptions(args) ? [[], args] : [args, rest[0]];
    const program = programOf(file, options?.cwd);
    if (program === undefined) return plain.call(this, file, args, ...rest);
    return plain.call(this, bundle, words, withTold(program, options));
  });
  for (const name of ["spawn", "spawnSync", "execFile", "execFileSync"])
    node[name] = wrapped(node[name], (plain) => function (file, args, ...rest) {
      const [options, ...more] = typeof rest[0] === "function" ? [undefined, ...rest] : rest;
      const at = programAt(file, args, options?.cwd);
      if (at < 0) return plain.call(this, file, args, ...rest);
      return plain.call(this, file, args.with(at, bundle), withTold(programOf(args[at], options?.cwd), options), ...more);
    });
}`,

  /** `new Worker(source)`. What is set for the threads to come is copied by the constructor. */
  worker_threads: () => `
{
  const { bundle, programOf, toldTo } = __constellationStarts;
  const node = require("node:worker_threads");
  const Plain = node.Worker;
  node.Worker = class Worker extends Plain {
    constructor(file, options = {}) {
      const named = typeof file !== "string" || /^(?:\\.{0,2}\\/)/.test(file);
      const program = named && !options?.eval ? programOf(file) : undefined;
      if (program !== undefined) node.setEnvironmentData("${toldBy}", toldTo(program));
      try {
        super(program === undefined ? file : bundle, options);
      } finally {
        if (program !== undefined) node.setEnvironmentData("${toldBy}", undefined);
      }
    }
  };
}`,

  /**
   * `cluster.fork()`, which sets up what was not set up, and starts `process.argv[1]` unless it is told otherwise: what it
   * starts is known when it reads the environment.
   */
  cluster: () => `
{
  const { bundle, programOf, toldTo } = __constellationStarts;
  const node = require("node:cluster");
  const { fork, setupPrimary } = node;
  let program;
  if (setupPrimary) node.setupPrimary = node.setupMaster = (options) => {
    const { exec = node.settings.exec ?? process.argv[1], cwd = node.settings.cwd } = options ?? {};
    if (exec !== bundle) program = programOf(exec, cwd);
    return setupPrimary.call(node, { ...options, exec: program === undefined ? exec : bundle });
  };
  const told = { get: () => program && toldTo(program), enumerable: true };
  if (fork) node.fork = (env) => fork.call(node, Object.defineProperty({ ...env }, "${toldBy}", told));
}`,
} as const;

const modules = ["child_process", "worker_threads", "cluster"] as const;

/** Name of the variable, and of the data of a thread's environment, by which a bundle learns where and which program it is. */
const toldBy = "CONSTELLATION_PROGRAM";

/** Which of Node's modules that start something are among those that a bundle imports. */
export const startsWith = (imported: ReadonlySet<string>): readonly (typeof modules)[number][] =>
  modules.filter((name) => imported.has(name) || imported.has(`node:${name}`));

/**
 * The code for a bundle whose sources import these modules; empty when they start nothing.
 *
 * @param places programs by the places that name them, from the bundle's folder
 */
export function startingItself(imported: ReadonlySet<string>, places: ReadonlyMap<string, string>): string {
  const wanted = startsWith(imported);
  if (wanted.length === 0) return "";
  return onOneLine([parts.shared(places), ...wanted.map((name) => parts[name]())].join(""));
}

/**
 * The code that asks where and which program this is: a child finds it in its environment, a thread in the data of it. Neither
 * finds it a second time, nor does what it starts.
 *
 * @param require what the bundle loads Node's modules with
 */
export function whatItIs(imported: ReadonlySet<string>, require: string): string {
  const wanted = startsWith(imported);
  if (wanted.length === 0) return "";
  const data = `
  const { getEnvironmentData, setEnvironmentData } = ${require}("node:worker_threads");
  const data = getEnvironmentData("${toldBy}");
  if (data !== undefined) {
    setEnvironmentData("${toldBy}", undefined);
    return JSON.parse(data);
  }`;
  return onOneLine(`
const __constellationTold = (() => {
  ${wanted.includes("worker_threads") ? data : ""}
  const told = process.env.${toldBy} ?? "{}";
  delete process.env.${toldBy};
  return JSON.parse(told);
})();`);
}

const onOneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ").trim();

/** Names of all kinds, `__proto__` too, are names alone. */
const literal = (places: ReadonlyMap<string, string>): string =>
  `{ __proto__: null, ${[...places].map(([place, program]) => `[${JSON.stringify(place)}]: ${JSON.stringify(program)}`).join(", ")} }`;
