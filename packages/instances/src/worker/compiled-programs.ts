import { chownSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Cgroup, timeLimit } from "@constellation/host";
import { newRunId } from "../driver/run-id.ts";
import { buildPlan, type LaunchRequest, watchLife } from "../launch/index.ts";
import { abandon } from "../process/abandon.ts";
import { sparesFolder } from "../process/folders.ts";
import { makingGroup } from "../process/group-ahead.ts";
import { startTimeoutMs } from "../process/prepare.ts";
import type { ProcessParts } from "../process/process-driver.ts";
import { compiledPath, isWhole, takeCompiled } from "./compiled-file.ts";
import { insideOwn, ownLaunch, preloadFile, uidOf } from "./own-launch.ts";
import type { Shape } from "./shape.ts";

/** Below this V8 compiles sooner than it reads. */
const leastBytes = 64 * 1024;
/** After a start the machine belongs to what was started. */
const quietMs = 1500;
const compileTimeoutMs = 60_000;
/** That a program was looked for is remembered of so many. */
const mostKnown = 256;

const compileProgram = preloadFile("compile.cjs");
const files = [compileProgram, preloadFile("compiled.cjs")];
const outFolder = "/run/constellation-compiled";
const outFile = "program.v8";

/** A program that was looked for. */
interface Program {
  readonly file: string;
  /** Of what V8 made of it, for Nodes with the same options. */
  readonly path: string;
  state: "whole" | "wanted" | "refused";
}

/**
 * What V8 makes of large programs, kept beside them. It is made once, by a process that has the isolation of an instance
 * without a network, and compiles without running a line: no instance can leave anything to those that come after it.
 */
export class CompiledPrograms {
  readonly #parts: ProcessParts;
  readonly #report: (text: string, error: unknown) => void;
  readonly #life = new AbortController();
  readonly #known = new Map<string, Program>();
  #work: Promise<void> = Promise.resolve();

  constructor(parts: ProcessParts, report: (text: string, error: unknown) => void) {
    this.#parts = parts;
    this.#report = report;
  }

  /** The compiled form of a CommonJS program, for a Node of this shape. Null when there is none; it is made soon then. */
  find(file: string, shape: Shape): string | null {
    const options = [...shape.flags, shape.environment["NODE_OPTIONS"] ?? ""];
    // What is compiled already has no source map to be read.
    if (!file.endsWith(".cjs") || /--enable[-_]source[-_]maps/.test(options.join(" "))) return null;
    const name = [file, ...options].join("\0");
    let program = this.#known.get(name);
    if (program === undefined) {
      if (this.#known.size >= mostKnown) this.#known.clear();
      program = firstLook(file, compiledPath(file, options));
      this.#known.set(name, program);
      if (program.state === "wanted") setTimeout(this.#queue, quietMs, program, shape).unref();
    }
    return program.state === "whole" ? program.path : null;
  }

  /** Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#life.abort(new Error("the daemon ends"));
    await this.#work;
  }

  /** One after the other. */
  readonly #queue = (program: Program, shape: Shape): void => {
    const before = this.#work;
    this.#work = (async () => {
      await before;
      if (!this.#life.signal.aborted) await this.#keep(program, shape);
    })();
  };

  async #keep(program: Program, shape: Shape): Promise<void> {
    try {
      await this.#make(program, shape);
    } catch (error) {
      if (program.state !== "whole") program.state = "refused";
      if (!this.#life.signal.aborted)
        this.#report(`${program.file} starts slower than it could: it was not compiled`, error);
    }
  }

  async #make(program: Program, shape: Shape): Promise<void> {
    const { file, path } = program;
    const { folders, numbers, clock, abilities } = this.#parts;
    const id = newRunId(clock.nowMs(), Math.random());
    const number = numbers.reserve("a program to be compiled");
    const folder = join(sparesFolder(folders), id);
    const signal = timeLimit(compileTimeoutMs, this.#life.signal);
    let cgroup: Cgroup | null = null;
    try {
      mkdirSync(sparesFolder(folders), { recursive: true, mode: 0o711 });
      cgroup = makingGroup(`compile-${id}`, abilities);
      const request = compileRequest(file, shape, { number, folder, cgroup }, this.#parts);
      await (await this.#parts.spawner()).launch(buildPlan(request, abilities.facts), { signal });
      await watchLife(folder, { signal });
      takeCompiled(join(folder, "out", outFile), path, 8 * statSync(file).size);
      program.state = "whole";
    } finally {
      await abandon(folder, cgroup, startTimeoutMs);
      numbers.free(number);
    }
  }
}

function firstLook(file: string, path: string): Program {
  return { file, path, state: !isWorthIt(file) ? "refused" : isWhole(path) ? "whole" : "wanted" };
}

/** V8 before that of Node 22 forgets, in what it keeps, from where `import()` starts. */
const losesImports = Number.parseInt(process.versions.node, 10) < 22;
const dynamicImport = /\bimport\s*[(/]/;
/** Types in comments say `import()`, too: a line that begins with `* @`, and what follows `/** @`, up to the comment's end. */
const typeComment = /(?:^\s*(?:\/\*)?\*+\s*|\/\*\*\s*)@(?:(?!\*\/).)*/gm;

function isWorthIt(file: string): boolean {
  if (statSync(file).size < leastBytes) return false;
  return !losesImports || !mayImport(readFileSync(file, "utf8"));
}

/** Whether a program may have an `import()`; sometimes true although it has none, never the other way round. */
export function mayImport(program: string): boolean {
  return dynamicImport.test(program.replaceAll(typeComment, ""));
}

function compileRequest(
  file: string,
  shape: Shape,
  place: Parameters<typeof ownLaunch>[2],
  parts: ProcessParts,
): LaunchRequest {
  const words = [insideOwn(compileProgram), file, join(outFolder, outFile)];
  const alone = {
    ...shape,
    isolation: { ...shape.isolation, network: "none" as const },
    resources: { networkInBitsPerSecond: null, networkOutBitsPerSecond: null },
  };
  const request = ownLaunch({ name: `the compiler of ${file}`, words, files }, alone, place, parts);
  const out = join(place.folder, "out");
  mkdirSync(out, { mode: 0o700 });
  const uid = uidOf(request);
  if (uid !== null) chownSync(out, uid, uid);
  return {
    ...request,
    binds: [...request.binds, { source: out, target: outFolder, writable: true }],
    files: [{ path: file, fd: 3 }],
  };
}
